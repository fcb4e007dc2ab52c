import { expect, it } from 'vitest';

import { countPlaces } from './count-places.js';

const place = (sessionId: string) => ({ sessionId, placeId: `place-${sessionId}`, handle: {} });
const driver = { list: async () => ['goes on', 'ends', 'unknown'].map(place) as never };

it('counts the places that go on, and not those whose end is asked for', async () => {
  const isWanted = async (sessionId: string): Promise<boolean> => {
    if (sessionId === 'unknown') throw new Error('no such session');
    return sessionId === 'goes on';
  };
  expect(await countPlaces({ driver, isWanted, withinMs: 20_000 })).toBe(2);
});

it('does not wait for an engine that does not answer', async () => {
  const silent = { list: () => new Promise<never>(() => {}) };
  expect(await countPlaces({ driver: silent, isWanted: async () => true, withinMs: 10 })).toBeNull();
});
