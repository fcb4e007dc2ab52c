// What roles may use to send requests on to another process.

export { ask, createTarget, give } from './requests.js';
export { acceptTunnels } from './tunnels.js';
