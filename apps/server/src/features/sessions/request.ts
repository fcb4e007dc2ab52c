// Who asks for something of sessions. It does nothing.

import type { Actor } from '../../platform/http/index.js';

/** Who asks, and from where, for the audit log. */
export interface Request {
  actor: Actor;
  ip: string;
  /** A session is made under it: asked again, that one is the answer. */
  operationId?: string;
}
