/** Brings an engine what a place is made of: the image, and the server's files as volumes. It starts nothing. */
import type { PlaceNeeds } from '../../driver.js';
import type { Context } from './context.js';
import type { TellPreparing } from './progress.js';
import type { ContainerRules, FilesMount } from './template.js';

export interface Brought {
  /** With the image that was asked for. */
  rules: ContainerRules;
  files: FilesMount[];
}

export async function bringNeeds(
  { rules: rulesOf, images, imageChecks, files }: Context,
  { image, readOnlyMounts = [] }: PlaceNeeds,
  tell: TellPreparing,
): Promise<Brought> {
  const site = await rulesOf();
  const rules = { ...site, image: image ?? site.image };
  await images.ensure(rules.image, tell);
  // The site's own is known to fit.
  if (rules.image !== site.image) {
    tell({ what: 'Looking at the image', percent: null });
    await imageChecks.require(rules.image);
  }
  return { rules, files: await files.ensure(readOnlyMounts, rules.image, tell) };
}
