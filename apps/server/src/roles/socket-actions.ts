// What the messages of a session's sockets do, by the same services as the routes. It knows no socket.

import type { Audit } from '../features/audit/index.js';
import type { Claude } from '../features/claude/index.js';
import type { LiveActions } from '../features/live/index.js';
import type { Database } from '../platform/database/index.js';

export interface SocketActionsDeps {
  claude: Claude;
  audit: Audit;
  database: Database;
}

export const createSocketActions = ({ claude, audit, database }: SocketActionsDeps): LiveActions => ({
  async say({ actor, ip }, sessionId, { id, prompt }) {
    await claude.send({ actor, ip, sessionId, id }, prompt);
  },
  async interrupt({ actor, ip }, sessionId, { id, turnId }) {
    await claude.interrupt({ actor, ip, sessionId, id }, { turnId });
  },
  async withdraw({ actor, ip }, sessionId, { id, messageId }) {
    await claude.withdraw({ actor, ip, sessionId, id }, messageId);
  },
  async answer({ actor, ip }, sessionId, { id, approvalId, answer }) {
    await claude.answer({ actor, ip, sessionId, id }, approvalId, answer);
  },
  async configure({ actor, ip }, sessionId, { id, settings }) {
    await claude.configure({ actor, ip, sessionId, id }, settings);
  },
  audit: ({ actor, ip }, sessionId, action, details) =>
    audit.record(database.db, { userId: actor.userId, sessionId, action, details, ip }),
});
