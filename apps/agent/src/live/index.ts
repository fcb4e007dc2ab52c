/**
 * Live sockets: what people watch and do by hand.
 * createLive({ terminals, files, execute, chat: ChatFeed, log }): LivePart. Give its WebSocketServer a maxPayload above maxFrameBytes: it closes with 4413 itself.
 */
export { createLive } from './live.js';
