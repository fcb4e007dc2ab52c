// The door to the agents, for every role that reaches into a session.

export { createAgentDoor, type AgentDoor, type AgentRequest, type AgentResponse } from './door.js';
export { createDoorStore } from './store.js';
