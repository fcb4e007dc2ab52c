// The audit log, for every feature that changes something.

export { createAudit, type Audit } from './service.js';
