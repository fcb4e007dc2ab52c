// Tries to break the import table: a small tree of packages in which every allowed and every forbidden kind of import
// occurs once, checked by the real tool with the real rules.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importProblems } from './imports.mjs';

const server = 'apps/server/src';
const web = 'apps/web';

/** file → what it imports */
const fine = {
  'packages/contract/src/ids.ts': ['zod'],
  'packages/contract/src/index.ts': ['./ids.js'],
  'packages/compute/src/driver.ts': ['node:path'],
  'packages/compute/src/drivers/docker/driver.ts': ['dockerode', '../../driver.js'],
  'packages/compute/src/index.ts': ['./drivers/docker/driver.js'],
  'packages/compute/src/testing/index.ts': ['../driver.js'],
  'packages/compute/src/drivers/docker/testing/engine.ts': ['../../../testing/index.js', 'vitest'],
  'packages/compute/src/driver.test.ts': ['vitest', './driver.js'],
  'apps/agent/src/chat/run.ts': ['@anthropic-ai/claude-agent-sdk', '@remote-claude/contract'],
  'apps/agent/src/terminal/pty.ts': ['@lydell/node-pty'],
  [`${server}/platform/database.ts`]: ['pg', 'node:fs'],
  [`${server}/features/a/store.ts`]: ['kysely', '../../platform/database.js'],
  [`${server}/features/a/service.ts`]: ['./store.js', '../b/index.js', '@remote-claude/contract'],
  [`${server}/features/b/index.ts`]: ['@remote-claude/compute'],
  [`${server}/roles/api.ts`]: ['../features/b/index.js', '../platform/database.js'],
  [`${server}/index.ts`]: ['./roles/api.js'],
  [`${server}/whole.test.ts`]: ['./index.js', '@remote-claude/compute/testing', 'vitest'],
  'apps/cli/src/main.ts': ['@remote-claude/server', '@remote-claude/contract'],
  [`${web}/app/page.tsx`]: ['../features/chat/index.js'],
  [`${web}/features/chat/index.ts`]: ['../../ui/button.js', '@remote-claude/contract'],
  [`${web}/ui/button.ts`]: ['../lib/words.js'],
  [`${web}/lib/words.ts`]: [],
  'tests/e2e/session.test.ts': ['@remote-claude/server', 'vitest', './page.js'],
  'tests/e2e/page.ts': ['node:fs'],
  'bench/p1.ts': ['@lydell/node-pty', '@remote-claude/server'],
};

const forbidden = {
  'packages/contract/src/clock.ts': ['node:timers'],
  'packages/contract/src/other.ts': ['@remote-claude/compute'],
  'packages/compute/src/uses-contract.ts': ['@remote-claude/contract'],
  'packages/compute/src/early.ts': ['./drivers/docker/driver.js'],
  'packages/compute/src/drivers/kubernetes/driver.ts': ['../docker/driver.js'],
  'packages/scripted-model/src/model.ts': ['@remote-claude/contract'],
  'apps/agent/src/files/read.ts': ['@lydell/node-pty'],
  'apps/agent/src/link/link.ts': ['@anthropic-ai/claude-agent-sdk'],
  'apps/agent/src/uses-server.ts': ['@remote-claude/server'],
  'apps/agent/src/deep.ts': ['../../../packages/contract/src/ids.js'],
  [`${server}/features/a/rules.ts`]: ['pg'],
  [`${server}/features/a/reaches.ts`]: ['../b/service.js'],
  [`${server}/features/b/service.ts`]: ['../../roles/api.js'],
  [`${server}/platform/upward.ts`]: ['../features/b/index.js'],
  [`${server}/roles/deep.ts`]: ['../features/a/service.js'],
  [`${server}/roles/uses-tests.ts`]: ['@remote-claude/compute/testing'],
  [`${server}/features/a/unlisted.ts`]: ['left-pad'],
  [`${server}/features/a/development.ts`]: ['vitest'],
  [`${server}/features/a/missing.ts`]: ['./nowhere.js'],
  [`${server}/features/c/one.ts`]: ['./two.js'],
  [`${server}/attic/box.ts`]: ['node:fs'],
  'apps/cli/src/deep.ts': ['../../server/src/platform/database.js'],
  [`${web}/features/files/tree.ts`]: ['../chat/index.js'],
  [`${web}/lib/node.ts`]: ['node:fs'],
  [`${web}/ui/upward.ts`]: ['../features/chat/index.js'],
  'tests/e2e/private.ts': ['../../apps/server/src/platform/database.js'],
};

/** The other half of a ring, which is reported once. */
const otherHalf = { [`${server}/features/c/two.ts`]: ['./one.js'] };

const manifests = {
  '': { devDependencies: { vitest: '1.0.0' } },
  'packages/contract': { exports: { '.': { source: './src/index.ts' } }, dependencies: { zod: '1.0.0' } },
  'packages/compute': {
    exports: { '.': { source: './src/index.ts' }, './testing': { source: './src/testing/index.ts' } },
    dependencies: { dockerode: '1.0.0' },
  },
  'packages/scripted-model': {},
  'apps/agent': {
    dependencies: {
      '@anthropic-ai/claude-agent-sdk': '1.0.0',
      '@lydell/node-pty': '1.0.0',
      '@remote-claude/contract': '1.0.0',
    },
  },
  'apps/server': {
    exports: { '.': { source: './src/index.ts' } },
    dependencies: {
      '@remote-claude/compute': '1.0.0',
      '@remote-claude/contract': '1.0.0',
      kysely: '1.0.0',
      pg: '1.0.0',
    },
  },
  'apps/cli': { dependencies: { '@remote-claude/contract': '1.0.0', '@remote-claude/server': '1.0.0' } },
  'apps/web': { dependencies: { '@remote-claude/contract': '1.0.0' } },
};
const libraries = [
  'zod',
  'dockerode',
  'kysely',
  'pg',
  'vitest',
  'left-pad',
  '@lydell/node-pty',
  '@anthropic-ai/claude-agent-sdk',
];

let folder;
let problems;

function write(path, content) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'import-table-')));
  for (const [path, manifest] of Object.entries(manifests)) {
    const name = path === '' ? 'root' : `@remote-claude/${path.split('/')[1]}`;
    write(join(path, 'package.json'), JSON.stringify({ name, type: 'module', ...manifest }));
    if (path === '') continue;
    mkdirSync(join(folder, 'node_modules/@remote-claude'), { recursive: true });
    symlinkSync(join(folder, path), join(folder, 'node_modules', name));
  }
  for (const name of libraries) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }));
    write(`node_modules/${name}/index.js`, '');
  }
  const files = Object.entries({ ...fine, ...forbidden, ...otherHalf });
  for (const [path, imports] of files) write(path, imports.map((name) => `import '${name}';\n`).join(''));
  problems = await importProblems({
    paths: files.map(([path]) => path),
    expected: [...files.map(([path]) => path), 'packages/contract/src/unseen.ts', 'somewhere/else.ts'],
    cwd: folder,
  });
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(Object.keys(fine))('%s may import what it does', (file) => {
  expect(problems.filter((problem) => problem.includes(`: ${file}`))).toEqual([]);
});

test.each(Object.entries(forbidden))('%s may not import %s', (file) => {
  expect(problems.some((problem) => problem.includes(`: ${file} → `))).toBe(true);
});

test('a file that the tool does not see is a problem', () => {
  expect(problems).toContain('not seen by dependency-cruiser: packages/contract/src/unseen.ts');
});

test('a file in a place that the table does not know is a problem', () => {
  expect(
    problems.some((problem) => problem.includes('not in the table') && problem.endsWith('somewhere/else.ts')),
  ).toBe(true);
});
