// The server's public entry: what the command line may use.

export { examine, type DoctorOptions, type Finding } from './doctor.js';
export { adoptEngine, listEngines, type AdoptOptions, type EnginesFound, type KnownEngine } from './engines.js';
export { startServer, type RunningServer, type ServerAssets } from './main.js';
export { ConfigError, readConfig, type ConfigFlags } from './platform/config/config.js';
