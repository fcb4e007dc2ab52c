// Runs a command in a container of the tests' engine, by its command line. For what a test wants to see of an image or of
// the engine itself; the product's own places are made by its driver.

import { execFile } from 'node:child_process';
import { providedEngine } from '@remote-claude/compute/testing';

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** Asks the engine's command line; a refusal is an answer. */
export const docker = (args: readonly string[], timeoutMs = 120_000): Promise<Said> =>
  new Promise((resolve, reject) => {
    const { dockerPath, env } = providedEngine();
    execFile(dockerPath, args, { env, timeout: timeoutMs, maxBuffer: 32 * 2 ** 20 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number')
        reject(new Error(`docker ${args.join(' ')}: ${stderr}`, { cause: error }));
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });

/** Runs a shell's text in a new container of an image, without a network, and removes it. */
export const runOnce = (image: string, script: string, options: readonly string[] = []): Promise<Said> =>
  docker(['run', '--rm', '--network=none', '--cap-drop=ALL', ...options, image, 'sh', '-c', script]);
