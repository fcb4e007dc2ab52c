/** The scripted model as a process, since the agent's own code knows nothing of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exited, repository, runProgram, until } from './scratch.js';

export interface ModelProcess {
  port: number;
  close(): Promise<void>;
}

const names = 'afterTool, anyOf, error, halfStream, numbered, silence, start, text, thinking, toolUse, userSays';

/** `rules` is the inside of the script's list, as source: the script is loaded by the other process. */
export const startModel = async (dir: string, rules: string, port = 0): Promise<ModelProcess> => {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'script.mjs');
  const library = join(repository, 'packages/scripted-model/src/index.ts');
  writeFileSync(file, `import { ${names} } from ${JSON.stringify(library)};\nexport default [${rules}];\n`);
  const child = runProgram('packages/scripted-model/src/main.ts', ['--script', file, '--port', String(port)], {});
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const line = await until('the scripted model', () => {
    if (child.exitCode !== null) throw new Error(`The scripted model ended: ${output}`);
    return /^\{.*\}$/m.exec(output)?.[0];
  });
  return {
    port: (JSON.parse(line) as { port: number }).port,
    close: async () => {
      child.kill('SIGTERM');
      await exited(child);
    },
  };
};
