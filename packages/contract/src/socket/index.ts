/** Socket messages: one union per direction, each with its version. */
export * from './binary.js';
export * from './client-messages.js';
export * from './server-messages.js';
export * from './sockets.js';
