// The machine that the server runs on: its Node, its folder and what is free there.

import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

import { ok, problem, warning, whyOf, type Finding } from './finding.js';

const topic = 'machine';
const gibibyte = 2 ** 30;
/** A session's build and the database write some of it within minutes. */
const scarceBytes = 5 * gibibyte;
const fullBytes = 0.5 * gibibyte;

export const checkMachine = (found: { platform: string; node: string }): Finding => {
  const [major = 0, minor = 0] = found.node.replace(/^v/, '').split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    return problem(topic, `Node ${found.node} is too old for this program.`, 'Install Node 20.19 or newer.');
  if (found.platform !== 'linux')
    return warning(
      topic,
      `On ${found.platform} sessions cannot be isolated as processes.`,
      'Use compute.driver: docker, or run the server on Linux.',
    );
  return ok(topic, `Linux with Node ${found.node}`);
};

export interface CheckedFolder {
  topic: string;
  /** It may not be there yet: then what is above it counts. */
  path: string;
  /** Where another one is named. */
  key: string;
}

export const checkFolder = async ({ topic: folderTopic, path, key }: CheckedFolder): Promise<Finding> => {
  const there = await nearest(path);
  try {
    await access(there, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(there);
    const free = bavail * bsize;
    const words = `${path} has ${(free / gibibyte).toFixed(1)} GiB free`;
    if (free < fullBytes)
      return problem(folderTopic, `${words}: nothing more can be stored soon.`, `Make room, or name another (${key}).`);
    if (free < scarceBytes)
      return warning(folderTopic, `${words}: builds of sessions may fill it.`, 'Make room before people work here.');
    return ok(folderTopic, words);
  } catch (error) {
    return problem(
      folderTopic,
      `${path} cannot be used: ${whyOf(error)}.`,
      `Give it to the user that the server runs as, or name another (${key}).`,
    );
  }
};

const nearest = async (path: string): Promise<string> => {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || path === dirname(path) ? path : nearest(dirname(path));
};
