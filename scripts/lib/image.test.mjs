import { describe, expect, it } from 'vitest';

import { imageArguments } from './image.mjs';

describe('which images are built', () => {
  it('both where none is named, and flags go to docker', () => {
    expect(imageArguments([])).toEqual({ wanted: ['session', 'server'], rest: [] });
    expect(imageArguments(['--no-cache'])).toEqual({ wanted: ['session', 'server'], rest: ['--no-cache'] });
  });

  it('those that are named, once, and a value of a flag is no name', () => {
    const flags = ['--build-arg', 'BASE_IMAGE=ubuntu:22.04'];
    expect(imageArguments(['session', 'session', ...flags])).toEqual({ wanted: ['session'], rest: flags });
    expect(imageArguments(['--network', 'server'])).toEqual({
      wanted: ['session', 'server'],
      rest: ['--network', 'server'],
    });
  });

  it('one that is not there is refused by name', () => {
    expect(() => imageArguments(['sesion'])).toThrow('There is no image sesion; there are: session, server.');
    expect(() => imageArguments(['server', 'agent', '--pull'])).toThrow('no image agent');
  });
});
