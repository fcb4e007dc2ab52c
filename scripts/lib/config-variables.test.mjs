import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { configFileOf, referencedNames, variablesOf } from './config-variables.mjs';

const childEnv = fileURLToPath(new URL('./child-env.mjs', import.meta.url));

test.each([
  [['--config', 'a.yaml', '--port', '1'], 'a.yaml'],
  [['--config=a b.yaml'], 'a b.yaml'],
  [['--config', 'a.yaml', '--config=b.yaml'], 'b.yaml'],
  [['--port', '1'], undefined],
  [['--config'], undefined],
])('%j names the file %s', (args, file) => {
  expect(configFileOf(args)).toBe(file);
});

test('every reference is wanted once, with its file form', () => {
  const text = 'a: "${ONE}"\nb: ${TWO:-x}/${ONE}\nc: [${T_3:-}]\n';
  expect(referencedNames(text).wanted).toEqual(['ONE', 'ONE_FILE', 'TWO', 'TWO_FILE', 'T_3', 'T_3_FILE']);
});

test('what is escaped, commented out or no name is not', () => {
  expect(referencedNames('a: "$${ONE}"\n  # b: ${TWO}\nc: ${}${4}${a b} $FIVE')).toEqual({ wanted: [], withheld: [] });
});

test("a model's own variables are withheld, but for this product's key", () => {
  const text = 'claude: { apiKey: "${CLAUDE_API_KEY}", baseUrl: "${ANTHROPIC_BASE_URL}", model: "${CLAUDE_MODEL}" }';
  expect(referencedNames(text)).toEqual({
    wanted: ['CLAUDE_API_KEY', 'CLAUDE_API_KEY_FILE'],
    withheld: ['ANTHROPIC_BASE_URL', 'CLAUDE_MODEL'],
  });
});

test('a file that cannot be read asks for nothing', () => {
  expect(variablesOf(['--config', join(tmpdir(), crypto.randomUUID())]).wanted).toEqual([]);
});

test('the server gets what its file names, and nothing else of the environment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rc-variables-'));
  try {
    const file = join(folder, 'site.yaml');
    writeFileSync(file, 'database: { url: "postgres://x:${PG_PASSWORD}@db/x" }\nserver: { publicUrl: "${WHERE}" }\n');
    const module = JSON.stringify(childEnv);
    const script = `import { serverVariables } from ${module}; console.log(JSON.stringify(serverVariables(['--config', process.argv[1]])))`;
    const env = { PG_PASSWORD: 'p', WHERE_FILE: '/w', OTHER: 'o', ANTHROPIC_API_KEY: 'a', REMOTE_CLAUDE_X: 'x' };
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script, file], {
      env,
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toEqual({ PG_PASSWORD: 'p', WHERE_FILE: '/w', REMOTE_CLAUDE_X: 'x' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
