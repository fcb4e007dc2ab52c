// Faults at random over all kinds that need nothing special, while turns and a terminal run. What was drawn is printed as a
// seed: `npm run test:faults -- --seed N random` draws the same faults in the same order again, `--seconds 60` more of them.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TurnId } from '@remote-claude/contract';
import { numbered, userSays, type Rule } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { drawOptions } from '../support/config.js';
import { agentPid, claudePid } from '../support/host-processes.js';
import { untilRunning } from '../support/inside.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { enterAsViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';
import { compare, openHouse, printRow, seconds, sumOf, upTo, type FaultRow, type House } from './support.js';

const { seed, durationMs } = drawOptions();
const tokens = 60;
const slowCount: Rule = { name: 'count', when: userSays('count'), answer: [numbered(tokens, { delayMs: 20 })] };

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
const createChance = (from: number): (() => number) => {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

let house: House;
let proxy: Proxy;
let viewer: Viewer;

beforeAll(async () => {
  proxy = await startProxy({ to: () => house.product.url });
  house = await openHouse([slowCount], `server: { trustedOrigins: [${proxy.url}] }`);
  viewer = await enterAsViewer(proxy.url, house.ada, house.sessionId);
});
afterAll(async () => {
  viewer?.close();
  await house?.close();
  await proxy?.close();
});

const killed = async (find: Promise<number>): Promise<void> => {
  process.kill(await find, 'SIGKILL');
};
/** Each is over when it returns; what it did is healed by nobody but the product. */
const faults: Record<string, (chance: () => number) => Promise<void>> = {
  async 'server killed'() {
    await house.product.kill();
    await house.product.restart();
  },
  'agent killed': () => killed(agentPid(house.sessionId)),
  'claude killed': () => killed(claudePid(house.sessionId)),
  async 'database ended'() {
    const file = join(house.product.dataDir, 'postgres', 'postmaster.pid');
    process.kill(Number((await readFile(file, 'utf8')).split('\n')[0]), 'SIGQUIT');
  },
  async 'viewer cut'() {
    proxy.cut();
  },
  async 'viewer silent'(chance) {
    proxy.freeze();
    await new Promise((resolve) => setTimeout(resolve, 500 + chance() * 3_000));
    proxy.thaw();
  },
  async 'viewer delayed'(chance) {
    proxy.delay(50);
    await new Promise((resolve) => setTimeout(resolve, chance() * 1_000));
    proxy.delay(0);
  },
};

/** Says it under one id until it is taken, as a page does. */
const say = async (count: number): Promise<string> => {
  const key = crypto.randomUUID();
  const { messageId } = await until(
    async () => {
      const answer = await house.ada.fetch(`/sessions/${house.sessionId}/claude/chat`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ message: `Please count, number ${count}.`, wait: false }),
      });
      return answer.ok ? ((await answer.json()) as { messageId: string }) : null;
    },
    { what: 'a message to be taken' },
  );
  return messageId;
};

it('survives faults at random, drawn from a seed that is printed', async () => {
  const chance = createChance(seed);
  const names = Object.keys(faults);
  const drawn: string[] = [];
  const messageIds: string[] = [];
  const endAt = performance.now() + durationMs;
  let worstMs = 0;
  while (performance.now() < endAt) {
    const name = names[Math.floor(chance() * names.length)] ?? '';
    const whenMs = chance() * 1_200;
    messageIds.push(await say(messageIds.length + 1));
    await new Promise((resolve) => setTimeout(resolve, whenMs));
    drawn.push(name);
    const faultAt = performance.now();
    await faults[name]?.(chance);
    // Whatever happened, the session is there again by itself.
    await until(() => untilRunning(house.ada, house.sessionId), {
      what: `the session to run after: ${drawn.join(', ')}`,
    });
    worstMs = Math.max(worstMs, performance.now() - faultAt);
  }
  const last = await say(messageIds.length + 1);
  messageIds.push(last);
  const turn = await viewer.event('turn.started', (event) => event.messageIds.some((id) => id === last));
  await viewer.event('turn.ended', (event) => event.turnId === turn.turnId);
  await until(() => viewer.state().turn === null && viewer.state().queue.length === 0, { what: 'nothing to run' });
  await until(() => viewer.events().at(-1)?.seq === house.viewer.events().at(-1)?.seq, { what: 'both to have all' });

  // Each message is in the log once, and each turn has its numbers from the first on, each once.
  const of = (type: 'message.user' | 'turn.started') =>
    viewer.events().flatMap(({ event }) => (event.type === type ? [event] : []));
  const said = messageIds.map((id) => JSON.stringify(of('message.user')).split(`"${id}"`).length - 1);
  const messages: FaultRow = {
    lost: said.filter((count) => count === 0).length,
    twice: said.filter((count) => count > 1).length,
    wrong: 0,
  };
  const counts = of('turn.started').filter((event) => messageIds.some((id) => JSON.stringify(event).includes(id)));
  const turns = counts.map((event) => {
    const { turnId } = event as { turnId: TurnId };
    const ended = viewer.events().find(({ event: one }) => one.type === 'turn.ended' && one.turnId === turnId)?.event;
    const seen = house.tokensOf(turnId, viewer);
    const isWhole = ended?.type === 'turn.ended' && ended.outcome === 'completed';
    return compare(seen, upTo(isWhole ? tokens : seen.length));
  });
  const row = sumOf(messages, ...turns);
  printRow('rnd', `${drawn.length} faults in ${seconds(durationMs)}, seed ${seed}`, row, worstMs);
  expect({ row, seed, drawn }).toEqual({ row: { lost: 0, twice: 0, wrong: 0 }, seed, drawn });
  expect([viewer.gaps(), viewer.repeats(), house.viewer.gaps(), house.viewer.repeats()]).toEqual([[], [], [], []]);
  const plain = (events: typeof viewer) => events.events().map(({ seq, event }) => `${seq} ${event.type}`);
  expect(plain(viewer)).toEqual(plain(house.viewer).slice(-plain(viewer).length));
});
