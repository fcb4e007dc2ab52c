// Signing in, for the composition and for features that make or end users.

export { createAttempts } from './attempts.js';
export { createAuthenticate } from './authenticate.js';
export { setLoginCookie } from './cookies.js';
export { hashPassword } from './passwords.js';
export { authRoutes, userAgentOf } from './routes.js';
export { createAuth, type Auth } from './service.js';
export { createAuthStore } from './store.js';
