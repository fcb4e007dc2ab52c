// Each check of our own must find what it is for, and leave alone what only looks like it.
import ts from 'typescript';
import { expect, test } from 'vitest';
import { childEnv, serverVariables } from './child-env.mjs';
import { houseFindings, sizeFindings } from './house-rules.mjs';
import { lockProblems, manifestProblems } from './lockfile.mjs';

const shipped = 'apps/web/features/chat/message.tsx';

test.each([
  [shipped, 'node.innerHTML = text;'],
  [shipped, "node['outerHTML'] = text;"],
  [shipped, 'const a = <p dangerouslySetInnerHTML={{ __html: text }} />;'],
  [shipped, 'const a = <iframe srcDoc={text} />;'],
  [shipped, 'document.write(text);'],
  [shipped, 'eval(text);'],
  [shipped, 'const f = new Function(text);'],
  [shipped, "console.log('here');"],
  ['apps/server/src/features/a/service.ts', 'const home = process.env.HOME;'],
  ['apps/server/src/features/a/service.ts', "const home = process['env'].HOME;"],
  ['apps/server/src/features/a/service.ts', "import { env } from 'node:process';"],
  ['apps/server/src/features/a/service.test.ts', 'const all = { ...process.env };'],
  ['tests/e2e/setup.ts', 'const all = process.env;'],
])('%s: %s is found', (file, text) => {
  expect(houseFindings(ts, file, text)).toHaveLength(1);
});

test.each([
  [shipped, '// innerHTML is forbidden\nconst word = "innerHTML";'],
  [shipped, 'archive.write(text); stream.document.close();'],
  ['apps/cli/src/main.ts', "console.log('done');"],
  ['apps/server/src/config.ts', 'const home = process.env.HOME;'],
  ['apps/web/features/chat/message.test.tsx', 'expect(node.innerHTML).toBe(text);'],
])('%s: %s is no finding', (file, text) => {
  expect(houseFindings(ts, file, text)).toEqual([]);
});

test('a file of 400 lines passes, and one of 401 does not', () => {
  expect(sizeFindings('a.ts', 'x\n'.repeat(400))).toEqual([]);
  expect(sizeFindings('a.ts', 'x\n'.repeat(401))).toHaveLength(1);
});

test('the lock file may not name a registry or lack an integrity', () => {
  const integrity = 'sha512-x';
  const packages = {
    'apps/web': { version: '1.0.0' },
    'node_modules/ours': { resolved: 'apps/web', link: true },
    'node_modules/good': { version: '1.0.0', integrity },
    'node_modules/placed': { version: '1.0.0', integrity, resolved: 'https://registry.invalid/placed.tgz' },
    'node_modules/bare': { version: '1.0.0' },
    'node_modules/good/node_modules/within': { version: '1.0.0', inBundle: true },
    'node_modules/elsewhere': { resolved: '../elsewhere', link: true },
  };
  const problems = lockProblems({ packages });
  expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
    'node_modules/bare',
    'node_modules/elsewhere',
    'node_modules/placed',
  ]);
});

test('a lock file that leaves out a platform of an optional package cannot be installed from', () => {
  const integrity = 'sha512-x';
  const tool = { version: '1.0.0', integrity, optionalDependencies: { '@tool/linux': '1.0.0', '@tool/mac': '1.0.0' } };
  const packages = { 'node_modules/tool': tool, 'node_modules/@tool/linux': { version: '1.0.0', integrity } };
  expect(lockProblems({ packages })).toEqual(['node_modules/tool: its optional @tool/mac is not locked']);
});

test('a version range is a problem', () => {
  const manifest = { dependencies: { a: '1.2.3', b: '^1.2.3' }, devDependencies: { c: 'latest', d: '1.0.0-beta.1' } };
  expect(manifestProblems('package.json', manifest)).toHaveLength(2);
});

test('a child sees the listed variables and what is added for it, nothing else', () => {
  const added = { DATABASE_URL: 'postgres://x', AWS_SECRET_ACCESS_KEY: 'x', npm_config_cache: '/x' };
  const before = Object.fromEntries(Object.keys(added).map((name) => [name, globalThis.process['env'][name]]));
  Object.assign(globalThis.process['env'], added);
  try {
    expect(childEnv({ ONE: '1' })).toMatchObject({ ONE: '1', npm_config_cache: '/x', PATH: expect.any(String) });
    expect(Object.keys(childEnv())).not.toContain('DATABASE_URL');
    expect(Object.keys({ ...childEnv(), ...serverVariables() })).not.toContain('AWS_SECRET_ACCESS_KEY');
    expect(serverVariables()).toMatchObject({ DATABASE_URL: 'postgres://x' });
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete globalThis.process['env'][name];
      else globalThis.process['env'][name] = value;
    }
  }
});
