/**
 * A driver whose places are entries in memory, to test its caller: it can be slow, fail, hang, lose its answer, lie, and
 * let places die. It runs no command: of a command it knows three words, `idle`, `exit N` and `stubborn`.
 */
import { setTimeout as timer } from 'node:timers/promises';
import { checkNeeds } from '../check-spec.js';
import { ComputeError } from '../driver.js';
import type {
  Driver,
  FoundPlace,
  MayAct,
  PlaceAddresses,
  PlaceHandle,
  PlaceReport,
  PlaceSpec,
  Preparing,
  ProbeResult,
  StartedPlace,
} from '../driver.js';

export type FakeVerb = 'probe' | 'prepare' | 'start' | 'inspect' | 'stop' | 'destroy' | 'list';

export interface FakePlace {
  spec: PlaceSpec;
  status: PlaceReport['status'];
  reason: string | null;
  exitCode: number | null;
}

/** The pretended engine: it outlives its drivers, as places outlive a server. Two drivers may share one. */
export interface FakeWorld {
  /** By place id, ended ones included. */
  places: Map<string, FakePlace>;
  /** Session ids whose disk exists; a test may lose one. */
  disks: Set<string>;
}

export interface FakeBehaviour {
  /** How long a verb takes before it acts. */
  delayMs: Partial<Record<FakeVerb, number>>;
  /** The verb rejects with this and does nothing. */
  fail: Partial<Record<FakeVerb, Error>>;
  /** The verb acts, and then rejects with this: its answer was lost. */
  failAfter: Partial<Record<FakeVerb, Error>>;
  /** What is told at the beginning of `prepare`; `hold` makes it last. */
  preparing: Preparing[];
  /** So many places fit on the engine; null for any number. */
  room: number | null;
  /** What is told instead of the truth. */
  lieAboutPlace: ((truth: PlaceReport, handle: PlaceHandle) => PlaceReport) | null;
  lieAboutList: ((truth: FoundPlace[]) => FoundPlace[]) | null;
  lieAboutProbe: ((truth: ProbeResult) => ProbeResult) | null;
}

export interface FakeOptions {
  world?: FakeWorld;
  /** Where agent and gateway are said to be; a test may let a real one listen there. */
  addresses?: (sessionId: string, placeId: string) => PlaceAddresses;
  /** Called when a place comes up and when it is gone, before the verb answers. */
  onStart?: (spec: PlaceSpec) => void | Promise<void>;
  onEnd?: (spec: PlaceSpec) => void | Promise<void>;
  sleep?: (delayMs: number) => Promise<unknown>;
}

export interface FakeDriver extends Driver {
  readonly world: FakeWorld;
  /** Each verb that was called, in order; `id` is the place's or the session's. */
  readonly calls: { verb: FakeVerb; id: string | null }[];
  /** From now on; what is not named stays as it was. */
  behave(behaviour: Partial<FakeBehaviour>): void;
  /** Verbs of this kind wait until the returned function is called. */
  hold(verb: FakeVerb): () => void;
  /** The place dies by itself. */
  end(placeId: string, exitCode: number, reason?: string): Promise<void>;
}

const isLive = (place: FakePlace) => place.status === 'running' || place.status === 'starting';

export function createFakeWorld(): FakeWorld {
  return { places: new Map(), disks: new Set() };
}

export function createFakeDriver(options: FakeOptions = {}): FakeDriver {
  const world = options.world ?? createFakeWorld();
  const sleep = options.sleep ?? ((delayMs: number) => timer(delayMs));
  const behaviour: FakeBehaviour = {
    delayMs: {},
    fail: {},
    failAfter: {},
    preparing: [],
    room: null,
    lieAboutPlace: null,
    lieAboutList: null,
    lieAboutProbe: null,
  };
  const calls: FakeDriver['calls'] = [];
  const held = new Map<FakeVerb, Promise<void>>();
  let closed = false;

  const act = async <T>(
    verb: FakeVerb,
    id: string | null,
    deed: () => T | Promise<T>,
    mayAct: MayAct = () => true,
  ): Promise<T> => {
    if (closed) throw new ComputeError('closed', 'The driver was closed.');
    calls.push({ verb, id });
    await held.get(verb);
    const delayMs = behaviour.delayMs[verb] ?? 0;
    if (delayMs > 0) await sleep(delayMs);
    const failure = behaviour.fail[verb];
    if (failure !== undefined) throw failure;
    if (!mayAct()) throw new ComputeError('superseded', 'Another server looks after this session by now.');
    const answer = await deed();
    const lost = behaviour.failAfter[verb];
    if (lost !== undefined) throw lost;
    return answer;
  };

  const end = async (place: FakePlace, status: 'stopped' | 'error', reason: string, exitCode: number | null) => {
    Object.assign(place, { status, reason, exitCode });
    await options.onEnd?.(place.spec);
  };

  const addresses = (handle: PlaceHandle): PlaceAddresses => {
    const { sessionId, placeId } = parseHandle(handle);
    return (options.addresses ?? nowhere)(sessionId, placeId);
  };

  const start = async (spec: PlaceSpec, progress: (step: string) => void): Promise<StartedPlace> => {
    const handle = { fake: true, sessionId: spec.sessionId, placeId: spec.placeId };
    if (world.places.has(spec.placeId)) return { handle, ...addresses(handle) };
    const other = [...world.places.values()].find((place) => place.spec.sessionId === spec.sessionId && isLive(place));
    if (other !== undefined) throw new ComputeError('place_exists', `The place ${other.spec.placeId} is still there.`);
    const live = [...world.places.values()].filter(isLive).length;
    if (behaviour.room !== null && live >= behaviour.room)
      throw new ComputeError('no_room', 'The pretended engine has no room for another place.');
    if (spec.disk === 'existing' && !world.disks.has(spec.sessionId))
      throw new ComputeError('disk_gone', `The pretended disk of ${spec.sessionId} is gone.`);
    progress('Pretending');
    world.disks.add(spec.sessionId);
    const place: FakePlace = { spec, status: 'running', reason: null, exitCode: null };
    world.places.set(spec.placeId, place);
    await options.onStart?.(spec);
    const [word, code] = spec.command;
    if (word === 'exit')
      await end(place, code === '0' ? 'stopped' : 'error', `It ended with code ${code}.`, Number(code));
    return { handle, ...addresses(handle) };
  };

  const stop = async (handle: PlaceHandle, graceMs: number): Promise<void> => {
    const place = world.places.get(parseHandle(handle).placeId);
    if (place === undefined) return;
    if (isLive(place)) {
      if (place.spec.command[0] === 'stubborn') await sleep(graceMs);
      return end(place, 'stopped', 'It was stopped.', place.spec.command[0] === 'stubborn' ? 137 : 143);
    }
    place.status = 'stopped';
  };

  const destroy = async (sessionId: string): Promise<void> => {
    for (const [placeId, place] of world.places) {
      if (place.spec.sessionId !== sessionId) continue;
      if (isLive(place)) await end(place, 'stopped', 'It was destroyed.', 137);
      world.places.delete(placeId);
    }
    world.disks.delete(sessionId);
  };

  const inspect = (handle: PlaceHandle): PlaceReport => {
    const place = world.places.get(parseHandle(handle).placeId);
    const held = place !== undefined && isLive(place);
    const truth: PlaceReport = {
      status: place?.status ?? 'stopped',
      reason: place === undefined ? 'The place is gone.' : place.reason,
      exitCode: place?.exitCode ?? null,
      cutOff: false,
      limits: { memory: held, processes: held, cpu: held },
    };
    return behaviour.lieAboutPlace?.(truth, handle) ?? truth;
  };

  const list = (): FoundPlace[] => {
    const live = [...world.places.values()].filter(isLive);
    const truth = live.map(({ spec: { sessionId, placeId, readOnlyMounts = [] } }) => ({
      sessionId,
      placeId,
      mounts: readOnlyMounts.map(({ source }) => source),
      handle: { fake: true, sessionId, placeId },
    }));
    return behaviour.lieAboutList?.(truth) ?? truth;
  };

  const probe = (): ProbeResult => {
    const truth: ProbeResult = { ready: true, problems: [], warnings: [] };
    return behaviour.lieAboutProbe?.(truth) ?? truth;
  };

  return {
    kind: 'process',
    isolation: 'none',
    world,
    calls,
    probe: () => act('probe', null, probe),
    prepare: (needs, tell = () => {}) => {
      for (const how of behaviour.preparing) tell(how);
      return act('prepare', needs.image ?? null, () => checkNeeds(needs));
    },
    start: (spec, progress = () => {}, mayAct) => act('start', spec.placeId, () => start(spec, progress), mayAct),
    inspect: async (handle) => act('inspect', parseHandle(handle).placeId, () => inspect(handle)),
    stop: async (handle, { graceMs, mayAct }) =>
      act('stop', parseHandle(handle).placeId, () => stop(handle, graceMs), mayAct),
    destroy: (sessionId, mayAct) => act('destroy', sessionId, () => destroy(sessionId), mayAct),
    list: () => act('list', null, list),
    addresses,
    layout: fakeLayout,
    close: async () => {
      closed = true;
    },
    behave: (change) => void Object.assign(behaviour, change),
    hold: (verb) => {
      const { promise, resolve } = withResolver();
      held.set(verb, promise);
      return () => {
        held.delete(verb);
        resolve();
      };
    },
    end: async (placeId, exitCode, reason) => {
      const place = world.places.get(placeId);
      if (place === undefined || !isLive(place)) return;
      await end(place, exitCode === 0 ? 'stopped' : 'error', reason ?? `It ended with code ${exitCode}.`, exitCode);
    },
  };
}

function nowhere(sessionId: string): PlaceAddresses {
  const folder = `/nonexistent/${sessionId}`;
  return {
    agent: { kind: 'unix', path: `${folder}/agent.sock`, ownerUid: 0 },
    gateway: { kind: 'unix', path: `${folder}/gateway.sock`, ownerUid: 0 },
  };
}

function fakeLayout(sessionId: string): ReturnType<Driver['layout']> {
  const { agent, gateway } = nowhere(sessionId);
  return {
    workspace: '/workspace',
    home: '/home/claude',
    state: '/var/lib/remote-claude',
    agentSocket: agent.kind === 'unix' ? agent.path : null,
    gatewaySocket: gateway.kind === 'unix' ? gateway.path : null,
    mount: ({ target }) => target,
  };
}

function parseHandle(handle: PlaceHandle): { sessionId: string; placeId: string } {
  if (typeof handle === 'object' && handle !== null && !Array.isArray(handle) && handle['fake'] === true) {
    const { sessionId, placeId } = handle;
    if (typeof sessionId === 'string' && typeof placeId === 'string') return { sessionId, placeId };
  }
  throw new ComputeError('bad_handle', 'This handle was not made by the fake driver.');
}

function withResolver(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
