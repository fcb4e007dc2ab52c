/**
 * A session as the beginning of another, and the other. createForkSource(deps): ForkSource, createForkTarget(deps): ForkTarget,
 * createForkHttp({ source, target }, log): HttpPart, createPoints(stateDir): Points.
 */
export { createForkHttp } from './http.js';
export { createPoints } from './points.js';
export { createForkSource } from './source.js';
export { createForkTarget, type ForkTarget } from './target.js';
