// What every bus does, as a suite that each implementation runs.

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { maxBusPayloadBytes, type Bus, type BusNotice } from '../platform/bus.js';
import type { Database } from '../platform/database/index.js';

export interface BusFixture {
  bus: Bus;
  /** The bus of another process on the same wire. */
  twin: Bus;
  /** Whose transactions `publishIn` takes part in. */
  database: Database;
  /** Cuts the line of both; it comes back by itself. */
  interrupt(): Promise<void>;
  close(): Promise<void>;
}

const patience = { timeout: 15_000, interval: 20 };

export function busConformance(name: string, createFixture: () => Promise<BusFixture>): void {
  describe(`the bus over ${name}`, () => {
    let fixture: BusFixture;
    beforeAll(async () => {
      fixture = await createFixture();
    });
    afterAll(() => fixture.close());

    function record(bus: Bus, channel: string) {
      const notices: BusNotice[] = [];
      return { notices, leave: bus.subscribe(channel, (notice) => notices.push(notice)) };
    }
    const messages = (notices: BusNotice[]) =>
      notices.flatMap((notice) => (notice.kind === 'message' ? [notice.payload] : []));

    test('delivers to every listener of the channel, in order, in this process and the other', async () => {
      const seen = [record(fixture.bus, 'order'), record(fixture.bus, 'order'), record(fixture.twin, 'order')];
      const other = record(fixture.bus, 'order-other');
      const sent = Array.from({ length: 50 }, (_, n) => ({ n, text: `ü\n${n}` }));
      for (const payload of sent) await fixture.bus.publish('order', payload);
      await vi.waitFor(() => seen.forEach(({ notices }) => expect(notices).toHaveLength(50)), patience);
      for (const { notices, leave } of [...seen, other]) {
        leave();
        expect(messages(notices)).toEqual(notices === other.notices ? [] : sent);
      }
    });

    test('a listener that left hears nothing more, also when it leaves while it is told', async () => {
      let count = 0;
      const leave = fixture.bus.subscribe('leave', () => {
        count += 1;
        leave();
      });
      const stays = record(fixture.bus, 'leave');
      await fixture.bus.publish('leave', 1);
      await fixture.bus.publish('leave', 2);
      await vi.waitFor(() => expect(stays.notices).toHaveLength(2), patience);
      expect(count).toBe(1);
      stays.leave();
    });

    test('a listener that throws does not keep the others from hearing', async () => {
      const leave = fixture.bus.subscribe('throws', () => {
        throw new Error('bug');
      });
      const after = record(fixture.bus, 'throws');
      await fixture.bus.publish('throws', 1);
      await vi.waitFor(() => expect(messages(after.notices)).toEqual([1]), patience);
      leave();
      after.leave();
    });

    test('what a transaction publishes arrives when it commits, and never when it fails', async () => {
      const seen = record(fixture.twin, 'trx');
      const failing = fixture.database.transaction(async (trx) => {
        await fixture.bus.publishIn(trx, 'trx', 'failed');
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      await fixture.database.transaction(async (trx) => {
        await fixture.bus.publishIn(trx, 'trx', 'committed');
        await fixture.bus.publish('trx', 'meanwhile');
      });
      await vi.waitFor(() => expect(seen.notices).toHaveLength(2), patience);
      expect(messages(seen.notices)).toEqual(['meanwhile', 'committed']);
      seen.leave();
    });

    test('the largest message passes, a larger one and a bad channel are refused', async () => {
      const seen = record(fixture.twin, 'large');
      const largest = 'x'.repeat(maxBusPayloadBytes - 2);
      await fixture.bus.publish('large', largest);
      await vi.waitFor(() => expect(messages(seen.notices)).toEqual([largest]), patience);
      await expect(fixture.bus.publish('large', `${largest}x`)).rejects.toThrow('at most');
      await expect(fixture.bus.publish('a\nb', 1)).rejects.toThrow('channel');
      seen.leave();
    });

    test('after a cut every listener is told to read again, and messages flow as before', async () => {
      const seen = [record(fixture.bus, 'cut'), record(fixture.twin, 'cut')];
      await fixture.interrupt();
      await vi.waitFor(
        () => seen.forEach(({ notices }) => expect(notices).toContainEqual({ kind: 'resync' })),
        patience,
      );
      await vi.waitFor(() => fixture.bus.publish('cut', 'back'), patience);
      await vi.waitFor(() => seen.forEach(({ notices }) => expect(messages(notices)).toEqual(['back'])), patience);
      for (const { leave } of seen) leave();
    });

    test('a closed bus tells nobody', async () => {
      const { bus, close } = await createFixture().then((made) => ({ bus: made.twin, close: () => made.close() }));
      const seen = record(bus, 'closed');
      await bus.close();
      await close();
      expect(seen.notices).toEqual([]);
    });
  });
}
