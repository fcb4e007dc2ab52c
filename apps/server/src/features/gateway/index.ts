// The gateway, for the composition and for the settings.

export { createDemoModel } from './demo.js';
export { createDoorRows } from './door-rows.js';
export { createDoors } from './doors.js';
export { createDoorsService, createModelService, createRemoteDoors, createRemoteModelChooser } from './internal.js';
export { createModelRules } from './models.js';
export { createForwarder } from './proxy.js';
export { createSessionCall } from './service.js';
export { createGatewayStore } from './store.js';
export { createUpstreams, type ModelChooser } from './upstream.js';
