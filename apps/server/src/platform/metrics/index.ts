// What the rest of the server may use of metrics.

export { createEventMetrics } from './event-metrics.js';
export { createHttpMetrics, type HttpMetrics } from './http-metrics.js';
export { createMetricsAccess, hasToken, isPublicSite } from './access.js';
export { createModelMetrics, type ModelMetrics } from './model-metrics.js';
export { createPlaceMetrics, type PlaceMetrics } from './place-metrics.js';
export { createMetricsRegistry, type MetricsRegistry } from './registry.js';
export { watchSessions } from './session-metrics.js';
export { watchSockets } from './socket-metrics.js';
export { createQueryMetrics, watchStorage } from './storage-metrics.js';
