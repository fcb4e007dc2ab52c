// The door to the agents, for every role that reaches into a session.

export type { AgentDoor, AgentRequest, AgentResponse } from './agent-door.js';
export { askAgent, postingJson, textOfAnswer } from './ask.js';
export { createAgentDoor } from './door.js';
export { createAgentGate } from './gate.js';
export { dialAgent, type Dialled } from './line.js';
export { createRemoteDoor } from './remote-door.js';
export { createDoorStore } from './store.js';
