// What features and roles may use of the internal ports.

export type { Credentials } from './certificates.js';
export { loadCredentials } from './credentials.js';
export { createPeer, type Peer } from './peer.js';
export { openInternalPort, refusalHeader, type InternalService } from './port.js';
