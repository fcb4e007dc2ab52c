/**
 * The compute driver: what the session-manager may ask of an engine that runs sessions' places.
 * It knows nothing of users, rows, events or what the command in a place does.
 */
import type { Address } from './address.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Opaque to the caller: stored and handed back unread. It holds no secret and survives JSON. */
export type PlaceHandle = Json;

/** A folder of the server's host that a place may read and never write. What is in it does not change meanwhile. */
export interface ReadOnlyMount {
  /** Absolute path on the host. */
  source: string;
  /** Absolute path inside, below `/opt`, `/etc`, `/mnt` or `/srv`. */
  target: string;
}

export interface PlaceLimits {
  /** Cores; fractions are allowed. */
  cpus: number;
  memoryBytes: number;
  /** Processes and threads together. */
  processes: number;
  /** Open files per process. */
  openFiles: number;
}

/** What an engine needs before a place can be started on it. */
export interface PlaceNeeds {
  /** Of what the place is made, where it is not what the site says. Engines without images ignore it. */
  image?: string | undefined;
  readOnlyMounts?: ReadOnlyMount[] | undefined;
}

/** What is done to prepare an engine, in words that a person can read, and how much of it: 0 to 99, null where nobody knows. */
export interface Preparing {
  what: string;
  percent: number | null;
}

export const wordsOfPreparing = ({ what, percent }: Preparing): string =>
  percent === null ? what : `${what} ${percent} %`;

export interface PlaceSpec extends PlaceNeeds {
  /** Names the disk, which outlives the place. 1 to 64 of `A-Z a-z 0-9 _ -`. */
  sessionId: string;
  /**
   * `new`: it may be made, in part or whole, where it is not there. `existing`: a place had it before, and one that is not
   * there, or not all of it, is never made anew in silence.
   */
  disk: 'new' | 'existing';
  /** New for each start; the same id twice is one place. Same alphabet. */
  placeId: string;
  /** argv as seen inside the place; it starts in `layout(sessionId).workspace`. */
  command: string[];
  /**
   * The whole environment inside, secrets included; it never appears in arguments, and no helper outside runs with it.
   * An engine may add PWD, HOSTNAME or its own mark.
   */
  environment: Record<string, string>;
  limits: PlaceLimits;
}

export interface PlaceAddresses {
  /** Where the agent is reached from outside, once it listens. */
  agent: Address;
  /** Where the gateway must listen for this place, with `listenOptions(gateway)`. */
  gateway: Address;
}

export interface StartedPlace extends PlaceAddresses {
  handle: PlaceHandle;
}

/** `stopped`: ended on request, with code 0, or with the machine. `error`: ended by itself in another way. */
export type PlaceStatus = 'starting' | 'running' | 'stopped' | 'error';

export interface PlaceReport {
  status: PlaceStatus;
  /** A sentence for people; null while nothing needs to be said. */
  reason: string | null;
  /** 128 + N for signal N; null while it runs or where nobody saw the end. */
  exitCode: number | null;
  /** It runs, and its addresses will never lead to it again: only stopping it and starting another place helps. */
  cutOff: boolean;
  /** Which limits are truly enforced on this place, as read back from the kernel. */
  limits: { memory: boolean; processes: boolean; cpu: boolean };
}

export interface FoundPlace {
  sessionId: string;
  placeId: string;
  handle: PlaceHandle;
  /** Sources of what it has mounted from the host, at least its read-only ones; null where that cannot be seen. */
  mounts: string[] | null;
}

/** Paths as seen inside a session's place, to fill its environment with. */
export interface PlaceLayout {
  workspace: string;
  home: string;
  /** The agent's own folder on the session's disk. */
  state: string;
  /** What the agent must listen on; `null` where it listens on TCP. */
  agentSocket: string | null;
  /** What reaches the gateway; `null` where that is TCP. */
  gatewaySocket: string | null;
  /** Where a read-only mount is seen. */
  mount(mount: ReadOnlyMount): string;
}

export interface ProbeResult {
  ready: boolean;
  /** What keeps places from starting, each with what to do about it. */
  problems: { what: string; mend: string }[];
  /** What works less well than it should, such as a limit that cannot be enforced. */
  warnings: string[];
}

/**
 * Asked when the driver has the session to itself and has done nothing yet: whether the caller may still act on it, for
 * that may have taken a while. Where not, the verb does nothing and rejects with `superseded`.
 */
export type MayAct = () => boolean;

/**
 * Every verb is idempotent and may be repeated after any crash of the caller. Every verb rejects with a
 * `ComputeError` and nothing else. Places outlive the driver object and its process. Of several drivers on one engine, in
 * whatever processes, one acts on a session at a time; who does not get to it rejects with `not_ready`.
 */
export interface Driver {
  readonly kind: 'process' | 'docker' | 'kubernetes';
  readonly isolation: 'bubblewrap' | 'container' | 'pod' | 'none';
  /** Tries the engine for real; never rejects for what it finds. */
  probe(): Promise<ProbeResult>;
  /**
   * Brings the engine what places with these needs are made of; it may take minutes. Of many who ask at once, here and in
   * other processes, one does it and the others wait. What is there is not brought again, so that it costs little to ask.
   * A percent never falls while the words stay. `start` does the same where nobody did, in its own time.
   * Errors: `bad_spec`, `not_ready`, `prepare_failed` (with what the engine said).
   */
  prepare(needs: PlaceNeeds, tell?: (how: Preparing) => void): Promise<void>;
  /**
   * Makes a new disk if missing and starts the place. The same `placeId` again gives the same place, also when it has
   * ended since: it is not run twice. Errors: `bad_spec`, `not_ready`, `place_exists` (another place of this session
   * is there: stop it first), `disk_gone` (the disk exists no more, or in part; nothing is made), `prepare_failed`, `no_room` (the
   * engine has no room for one more place now, and will have when another has
   * ended; nothing is left running), `start_failed` (with what the engine said; nothing is left running). A command that
   * cannot be run is one too. `progress` gets a few words for each step.
   */
  start(spec: PlaceSpec, progress?: (step: string) => void, mayAct?: MayAct): Promise<StartedPlace>;
  /** Looks at the one place the handle means, never at another that has its number today. Errors: `bad_handle`. */
  inspect(handle: PlaceHandle): Promise<PlaceReport>;
  /** Asks the command to end, waits `graceMs`, then kills all of the place; the disk stays. Errors: `stop_failed`. */
  stop(handle: PlaceHandle, options: { graceMs: number; mayAct?: MayAct | undefined }): Promise<void>;
  /** Any place of the session and its disk are gone. Errors: `destroy_failed`. */
  destroy(sessionId: string, mayAct?: MayAct): Promise<void>;
  /** What runs now, whether or not anybody has written it down. */
  list(): Promise<FoundPlace[]>;
  /** Errors: `bad_handle`, thrown at once. */
  addresses(handle: PlaceHandle): PlaceAddresses;
  layout(sessionId: string): PlaceLayout;
  /** Waits for verbs under way and frees the driver's own resources; places stay. Later verbs reject with `closed`. */
  close(): Promise<void>;
}

export type ComputeErrorCode =
  | 'bad_spec'
  | 'bad_handle'
  | 'not_ready'
  | 'prepare_failed'
  | 'place_exists'
  | 'disk_gone'
  | 'no_room'
  | 'superseded'
  | 'start_failed'
  | 'stop_failed'
  | 'destroy_failed'
  | 'closed';

/** What a driver rejects with: the message says what happened and what to do. */
export class ComputeError extends Error {
  override readonly name = 'ComputeError';
  readonly code: ComputeErrorCode;
  constructor(code: ComputeErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
