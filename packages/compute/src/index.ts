/** The compute package: the driver interface, the drivers, and how to reach what runs in a place. */
export * from './driver.js';
export { listenOptions, maxSocketPathBytes, openUnixSocketPath, UnsafeSocketError } from './address.js';
export type { Address } from './address.js';
export { askEngineId, createDockerDriver } from './drivers/docker/driver.js';
export type { DockerDriverOptions, EngineQuestion } from './drivers/docker/driver.js';
export { profileProblem } from './drivers/docker/seccomp.js';
export { examineImage } from './drivers/docker/examine-image.js';
export type { ImageFinding } from './drivers/docker/image-check.js';
export { createProcessDriver } from './drivers/process/driver.js';
export type { ProcessDriverOptions } from './drivers/process/driver.js';
