// The door to the agents, for every role that reaches into a session.

export { askAgent, postingJson, textOfAnswer } from './ask.js';
export { createAgentDoor, type AgentDoor, type AgentRequest, type AgentResponse } from './door.js';
export { dialAgent, type Dialled } from './line.js';
export { createDoorStore } from './store.js';
