import { describe, expect, test } from 'vitest';

import { modelChoices, modelWord, siteModel } from './models';

const values = (allowed: readonly string[]): string[] => modelChoices(allowed).map(({ value }) => value);

describe('models to choose from', () => {
  test('are those that the site allows, in its order', () => {
    expect(values(['haiku', 'claude-sonnet-5'])).toEqual([siteModel, 'haiku', 'claude-sonnet-5']);
  });

  test('are the well-known ones where any is allowed', () => {
    expect(values([])).toEqual([siteModel, 'opus', 'sonnet', 'haiku']);
  });

  test('have a word, or their name', () => {
    expect([null, 'opus', 'claude-sonnet-5'].map(modelWord)).toEqual(['Default model', 'Opus', 'claude-sonnet-5']);
  });
});
