// What roles may use to send requests on to another process.

export { ask, createTarget, give, type Target } from './requests.js';
export { acceptTunnels, type Tunnels } from './tunnels.js';
