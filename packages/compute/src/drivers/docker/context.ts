/** What the parts of the docker driver share. */
import type { EngineClient } from './client.js';
import type { FilesVolumes } from './files-volumes.js';
import type { ImageChecks } from './image-check.js';
import type { Images } from './image.js';
import type { Naming } from './names.js';
import type { Owner } from './prepare.js';
import type { ContainerRules } from './template.js';

export interface Context {
  client: EngineClient;
  naming: Naming;
  /** With what this engine can enforce. */
  rules(): Promise<ContainerRules>;
  /** Who the gateway is, as the engine's host has it. */
  gateway: Owner;
  images: Images;
  imageChecks: ImageChecks;
  files: FilesVolumes;
}
