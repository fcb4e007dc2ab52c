// A fork whose files are on their way while something dies: it ends whole, or says what keeps it and goes on by itself.
// It is never a session that pretends to have files which it lacks.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { routes, type Session, type SessionId } from '@remote-claude/contract';
import { text, userSays } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { agentPid, untilGone } from '../support/host-processes.js';
import { output, stopSession, untilRunning } from '../support/inside.js';
import { until } from '../support/wait.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { openHouse, printRow, type House } from './support.js';

/** So large that a fault comes while it is copied, of bytes that do not repeat. */
const parts = 3;
const partBytes = 64 * 1024 * 1024;
const prepare = `mkdir -p src && echo one > src/a.txt && chmod 600 src/a.txt && for n in $(seq ${parts}); do head -c ${partBytes} /dev/urandom > part-$n.bin; done`;
const account =
  'find . -mindepth 1 -printf "%P %y %m %s\\n" | sort; find . -type f -print0 | sort -z | xargs -0 -r sha256sum';

let house: House;
let before: string;
const open: Viewer[] = [];

beforeAll(async () => {
  house = await openHouse([
    {
      name: 'heard',
      when: userSays('what did you hear'),
      answer: (conversation) => {
        const words = JSON.stringify(conversation).matchAll(/word-(\w+)/g);
        return [text(`heard ${[...new Set([...words].map((match) => match[1]))].join(',')}`)];
      },
    },
  ]);
  await output(house.ada, house.sessionId, prepare);
  await house.endOf(await house.say('remember word-one'));
  before = await output(house.ada, house.sessionId, account);
}, 300_000);
afterAll(async () => {
  for (const viewer of open) viewer.close();
  await house?.close();
});

interface Forking {
  id: SessionId;
  viewer: Viewer;
  /** Its agent, which stands still: the last byte does not come before it goes on. */
  pid: number;
}
/** A fork to which the first bytes have come, and not the last. */
const fork = async (): Promise<Forking> => {
  const { ada, product, sessionId } = house;
  const { id } = await ada.client.call(routes.sessions.fork, { params: { id: sessionId }, body: {} });
  const viewer = openViewer(product.url, ada, id);
  open.push(viewer);
  const isCopying = ({ step }: { step: string | null }) => step?.startsWith('Copying files from “Faults”') === true;
  const [pid] = await Promise.all([agentPid(id), viewer.event('place.changed', isCopying, 120_000)]);
  process.kill(pid, 'SIGSTOP');
  expect(viewer.events().some(({ event }) => event.type === 'fork.filled')).toBe(false);
  return { id, viewer, pid };
};
const goOn = ({ pid }: Forking): void => void process.kill(pid, 'SIGCONT');
const isWhole = ({ viewer }: Forking): boolean => viewer.events().some(({ event }) => event.type === 'fork.filled');
const shown = async (id: SessionId): Promise<Session> => house.ada.client.call(routes.sessions.get, { params: { id } });

/** Files, memory and log; and nobody was let in before. */
const expectWhole = async ({ id, viewer }: Forking, fault: string, sinceMs: number): Promise<void> => {
  await viewer.event('fork.filled', () => true, 240_000);
  await viewer.event('place.changed', ({ status }) => status === 'running', 120_000);
  printRow('fork', fault, { lost: 0, twice: 0, wrong: 0 }, performance.now() - sinceMs);
  const filled = viewer.events().filter(({ event }) => event.type === 'fork.filled');
  expect(filled).toHaveLength(1);
  const ran = viewer.events().findIndex(({ event }) => event.type === 'place.changed' && event.status === 'running');
  expect(ran).toBeGreaterThan(viewer.events().findIndex(({ event }) => event.type === 'fork.filled'));
  expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  expect(await output(house.ada, id, account)).toBe(before);
  const said = await house.ada.client.call(routes.claude.chat, {
    params: { id },
    body: { message: 'what did you hear' },
  });
  expect(said).toMatchObject({ message: 'heard one' });
  await house.ada.client.call(routes.sessions.remove, { params: { id } });
};
const expectSourceAsItWas = async (): Promise<void> => {
  expect(await output(house.ada, house.sessionId, account)).toBe(before);
};

describe('kill -9 while the files of a fork are copied', () => {
  it('of the agent that gives them', async () => {
    const forking = await fork();
    const pid = await agentPid(house.sessionId);
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    await untilGone(pid);
    goOn(forking);
    await expectWhole(forking, 'kill -9 of the agent that is copied from', killedAt);
    await untilRunning(house.ada, house.sessionId);
    await expectSourceAsItWas();
  }, 300_000);

  it('of the agent that takes them', async () => {
    const forking = await fork();
    const killedAt = performance.now();
    process.kill(forking.pid, 'SIGKILL');
    await untilGone(forking.pid);
    await expectWhole(forking, 'kill -9 of the agent that is copied to', killedAt);
  }, 300_000);

  it('of the server', async () => {
    const forking = await fork();
    const killedAt = performance.now();
    await house.product.kill();
    goOn(forking);
    await house.product.restart();
    await expectWhole(forking, 'kill -9 of the server between both', killedAt);
    await expectSourceAsItWas();
  }, 300_000);
});

describe('a fork whose source is stopped meanwhile', () => {
  it('says what it waits for, is no running session, and goes on when that one runs', async () => {
    const forking = await fork();
    await stopSession(house.ada, house.sessionId);
    goOn(forking);
    const waiting = await forking.viewer.event('place.changed', ({ step }) => step === 'Waiting for “Faults”', 120_000);
    expect(waiting).toMatchObject({
      status: 'starting',
      reason: expect.stringContaining('must run for its files to be copied') as string,
      next: expect.stringContaining('goes on by itself') as string,
    });
    expect(await shown(forking.id)).toMatchObject({ shown: 'starting', status: 'starting' });
    const refused = await output(house.ada, forking.id, 'ls').catch((error: unknown) => error as Error);
    expect(String(refused)).toMatch(/still being copied/);
    const startedAt = performance.now();
    await house.ada.client.call(routes.sessions.start, { params: { id: house.sessionId } });
    await expectWhole(forking, 'a source that was stopped and started', startedAt);
    await untilRunning(house.ada, house.sessionId);
    await expectSourceAsItWas();
  }, 300_000);

  it('can be ended while it waits', async () => {
    const forking = await fork();
    await stopSession(house.ada, house.sessionId);
    goOn(forking);
    await forking.viewer.event('place.changed', ({ step }) => step === 'Waiting for “Faults”', 120_000);
    await house.ada.client.call(routes.sessions.remove, { params: { id: forking.id } });
    await until(async () => (await shown(forking.id)).status === 'stopped', {
      what: 'the fork to end',
      timeoutMs: 60_000,
    });
    expect(await shown(forking.id)).toMatchObject({ shown: 'terminated' });
    await house.ada.client.call(routes.sessions.start, { params: { id: house.sessionId } });
    await untilRunning(house.ada, house.sessionId);
    await expectSourceAsItWas();
  }, 300_000);
});

describe('a fork whose beginning is gone', () => {
  it('fails with what to do, and does not pretend to be there', async () => {
    const { product, sessionId, ada } = house;
    const forking = await fork();
    await stopSession(ada, sessionId);
    goOn(forking);
    // What its agent kept for forks is lost with a part of its disk.
    const points = join(product.dataDir, 'sessions', sessionId, 'state', 'fork', 'points.json');
    await rm(points);
    await ada.client.call(routes.sessions.start, { params: { id: sessionId } });
    const failed = await forking.viewer.event('place.changed', ({ status }) => status === 'failed', 120_000);
    expect(failed).toMatchObject({
      reason: expect.stringContaining('no longer kept') as string,
      next: 'Terminate this session and fork the other one again.',
    });
    expect(isWhole(forking)).toBe(false);
    expect(await shown(forking.id)).toMatchObject({ shown: 'failed', status: 'error' });
    await ada.client.call(routes.sessions.remove, { params: { id: forking.id } });
  }, 300_000);
});
