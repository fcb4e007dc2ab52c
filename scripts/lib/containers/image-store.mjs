// The images of a stopped engine as a folder, given to any number of engines at once: the layers as hard links, since no
// engine writes into a layer that exists, and the index of them as copies. It does not know the images.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../run.mjs';
import { must } from './tools.mjs';

const layers = 'overlay2';
const index = 'image';

/** Moves them out of the data of an engine that has stopped and has nothing mounted. */
export async function takeImages(dataRoot, target) {
  mkdirSync(target);
  for (const name of [layers, index]) {
    try {
      renameSync(join(dataRoot, name), join(target, name));
    } catch (error) {
      if (error.code !== 'EXDEV') throw error;
      await must('cp', ['--archive', join(dataRoot, name), join(target, name)]);
    }
  }
}

/** Puts them into the data of an engine that has not started yet. On another disk than theirs, they are copied. */
export async function giveImages(source, dataRoot) {
  mkdirSync(dataRoot, { mode: 0o710 });
  await must('cp', ['--archive', join(source, index), join(dataRoot, index)]);
  const target = join(dataRoot, layers);
  const { code } = await run('cp', ['--archive', '--link', join(source, layers), target], { capture: true });
  if (code === 0) return;
  if (existsSync(target)) await must('rm', ['--recursive', '--force', target]);
  await must('cp', ['--archive', '--reflink=auto', join(source, layers), target]);
}
