import type { NumberedEvent, ServerMessage } from '@remote-claude/contract';
import { expect, test } from 'vitest';

import type { Events } from '../events/index.js';
import type { Outlet } from './outlet.js';
import { createReader } from './reader.js';
import type { Room } from './room.js';

const numbered = (seq: number): NumberedEvent =>
  ({ seq, at: '2026-01-01T00:00:00.000Z', event: { type: 'session.renamed', name: String(seq) } }) as never;

test('what is committed at the moment when all was told is told as well', async () => {
  const log = [1, 2].map(numbered);
  const told: ServerMessage[] = [];
  let onLook = (): void => {};
  const reader = createReader({
    sessionId: 'session',
    permissions: new Set(),
    onFailed: (error) => {
      throw error;
    },
    events: {
      head: async () => ({ state: {}, head: 2, epoch: 'epoch' }),
      read: async (_id: string, { after }: { after: number }) => log.filter(({ seq }) => seq > after),
    } as unknown as Events,
    room: {
      cursor: () => {
        onLook();
        return log.length;
      },
      openBlocks: () => [],
      isAgentUp: () => true,
    } as unknown as Room,
    outlet: {
      message: (message: ServerMessage) => void told.push(message),
      isBehind: () => false,
      whenDrained: (action: () => void) => action(),
    } as unknown as Outlet,
  });
  const seqs = (): number[] =>
    told.flatMap((message) => (message.type === 'events' ? message.payload.events.map(({ seq }) => seq) : []));
  let looks = 0;
  onLook = () => {
    looks += 1;
    // The second look is the last of this way through: it finds all told, and one more comes right behind it.
    if (looks !== 2) return;
    queueMicrotask(() => {
      log.push(numbered(3));
      reader.onEvents([numbered(3)]);
    });
  };
  await reader.subscribe('m', { epoch: 'epoch', after: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(seqs()).toEqual([2, 3]);
});
