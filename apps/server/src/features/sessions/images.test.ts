import { expect, test } from 'vitest';

import { createImageRules } from './images.js';

const rules = (images: string[], driver = 'docker') => createImageRules({ driver, image: 'site/session', images });

test('a pattern is the whole name, in which only * is special', () => {
  const { refusalOf } = rules(['registry.example.com/team/*', 'plain']);
  for (const image of ['site/session', 'site/session:latest', 'registry.example.com/team/a:1', 'plain', 'plain:latest'])
    expect(refusalOf(image), image).toBeNull();
  for (const image of ['registryXexample.com/team/a', 'evil/registry.example.com/team/a', 'plain:other', 'plainer'])
    expect(refusalOf(image), image).toContain(image);
  expect(rules(['*']).refusalOf('any/thing@sha256:00')).toBeNull();
});

test('where sessions are no containers there is nothing to choose', () => {
  const process = rules(['*'], 'process');
  expect(process.shown).toBeNull();
  expect(() => process.require('site/session')).toThrow('no containers');
});

test('of a stored configuration only what is the name of an image', () => {
  const { of } = rules([]);
  expect(of({ image: 'team/a:1' })).toBe('team/a:1');
  for (const config of [null, {}, { image: 5 }, { image: '--privileged' }, { image: 'a b' }])
    expect(of(config)).toBeNull();
});
