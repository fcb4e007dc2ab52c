/** The set-up script of a session: createSetup(deps): Setup. */
export { createSetup, type Setup } from './setup.js';
