/**
 * The control link between session-manager and agent: commands go in, proposals come out.
 * It does not know how the bytes travel: a WebSocket at `agentPaths.control`, one at a time, the newest wins.
 */
import { z } from 'zod';

import { agentEvent } from '../events/agent-events.js';
import { approvalId, blobHash, commandId, turnId } from '../ids.js';
import { approvalRule } from '../model/approval-rule.js';
import { approvalAnswer } from '../model/approval.js';
import { rewindTarget, rewindWhat } from '../model/checkpoint.js';
import { plainText } from '../model/plain-text.js';
import { setupScript } from '../model/setup.js';
import { author } from '../model/user.js';
import { claudeSettings, promptText } from '../socket/client-messages.js';

/** Version of this protocol. A server works with agents of its own version and of the one before. */
export const controlVersion = 4;

/** What an agent is told to do. An agent does each id once, however often it is told. */
export const agentCommand = z.discriminatedUnion('type', [
  /** Queue behind the running turn. Done when a `turn.started` names it, or it is withdrawn. */
  z.object({ id: commandId, type: z.literal('prompt'), prompt: promptText }),
  z.object({ id: commandId, type: z.literal('withdraw'), messageId: commandId }),
  /**
   * Stop this turn and no other: one that comes late is refused. null where nothing ran when it was given; absent only
   * from a server of the version before, and then it means whichever turn runs.
   */
  z.object({ id: commandId, type: z.literal('interrupt'), turnId: turnId.nullable().optional() }),
  /** `forProject`: the person's scope was that, which an agent knows as `once`; what it allows comes with `rules`. */
  z.object({
    id: commandId,
    type: z.literal('answer'),
    approvalId,
    answer: approvalAnswer,
    forProject: z.literal(true).optional(),
  }),
  z.object({ id: commandId, type: z.literal('configure'), settings: claudeSettings }),
  /** Refused while a turn runs. Done when a `rewind.done` names it. */
  z.object({ id: commandId, type: z.literal('rewind'), what: rewindWhat, target: rewindTarget }),
  z.object({ id: commandId, type: z.literal('checkpoint') }),
  /**
   * Prompts that come later wait for its end. `again`: also where this script has ended well on this disk. In the place that
   * `notIn` names it is not run, for that one makes room for another, in which it is told again.
   */
  z.object({
    id: commandId,
    type: z.literal('setup'),
    script: setupScript,
    again: z.boolean(),
    notIn: z.string().max(80).optional(),
  }),
]);
export type AgentCommand = z.infer<typeof agentCommand>;

/** The version since which agents know each command; one without it does not compile. An older agent is not told it. */
export const commandVersions: { readonly [T in AgentCommand['type']]: number } = {
  prompt: 1,
  withdraw: 1,
  interrupt: 1,
  answer: 1,
  configure: 1,
  rewind: 3,
  checkpoint: 3,
  setup: 4,
};
/** The version since which the scope of an answer may be `always`; before, such an answer is one of `once`. */
export const alwaysSince = 2;

export const toAgentControl = z.discriminatedUnion('type', [
  z.object({ type: z.literal('command'), command: agentCommand }),
  /** Everything of this journal up to `n` is stored: the agent may forget it. */
  z.object({ type: z.literal('ack'), source: z.string(), n: z.int().nonnegative() }),
  /** What the session's owner always allows, and what its project: after each hello, and when it changes. Since version 2. */
  z.object({ type: z.literal('rules'), rules: z.array(approvalRule).max(1_000) }),
  /** Stored blobs, by hash. */
  z.object({ type: z.literal('blob-ack'), hash: blobHash }),
  /** This event will never be taken (malformed or not an agent's to write): skip it and log why. */
  z.object({ type: z.literal('reject'), source: z.string(), n: z.int().positive(), reason: z.string() }),
]);
export type ToAgentControl = z.infer<typeof toAgentControl>;

export const agentProposal = z.object({
  n: z.int().positive(),
  event: agentEvent,
  /** The commands that this is the effect of. */
  commandIds: z.array(commandId).max(100).optional(),
});

export const fromAgentControl = z.discriminatedUnion('type', [
  /** First message of a link. */
  z.object({
    type: z.literal('hello'),
    version: z.int(),
    agentVersion: z.string().max(80),
    /** Of the current journal; proposals of an older one may come before it, each with its own source. */
    source: plainText.min(1).max(80),
    /** Nothing runs, no foreground job, no input since this many milliseconds; 0 while busy. */
    idleMs: z.number().nonnegative(),
  }),
  /** In order of `n`, at most 100 at a time; repeated until acknowledged. */
  z.object({
    type: z.literal('propose'),
    source: plainText.min(1).max(80),
    proposals: z.array(agentProposal).min(1).max(100),
  }),
  /** Content of a blob that a later proposal names, at most 1 MiB raw. */
  z.object({
    type: z.literal('blob'),
    hash: blobHash,
    mediaType: plainText.max(100),
    base64: z.string().max(1_500_000),
  }),
  /** Every few seconds: the basis of idle rules. */
  z.object({ type: z.literal('activity'), idleMs: z.number().nonnegative() }),
]);
export type FromAgentControl = z.infer<typeof fromAgentControl>;

/** Whose window a live socket is. Who may not type in terminals reads along there, and nothing waits for them. */
export const liveViewer = author.extend({ mayType: z.boolean().default(true) });
export type LiveViewer = z.infer<typeof liveViewer>;

/** Addresses of the agent's server. All need `authorization: Bearer <agent secret>`. */
export const agentPaths = {
  /** WebSocket: `fromAgentControl` and `toAgentControl`. */
  control: '/control',
  /** WebSocket: `LiveMessage` in, `ServerMessage` and terminal frames out; one per viewer. `?viewer=`: a `liveViewer` as JSON. */
  live: '/live',
  /** GET, PUT (If-Match or If-None-Match: *), DELETE (?recursive=1): content of the file `?path=`; ranges and ETag. */
  content: '/fs/content',
  /** GET ?path=: `{ items: FileNode[] }`. */
  list: '/fs/list',
  /** GET ?path=: FileNode. */
  stat: '/fs/stat',
  /** POST `{ path }` → FileNode. */
  mkdir: '/fs/mkdir',
  /** POST `{ path, to }` → FileNode. */
  move: '/fs/move',
  /** tus 1.0 (creation, termination): POST, HEAD, PATCH, DELETE `/fs/uploads/<id>`; `filename` in Upload-Metadata is the path. */
  uploads: '/fs/uploads',
  /** GET: `{ items: Checkpoint[] }`, the oldest first. */
  checkpoints: '/checkpoints',
  /** POST `{ target }` → RewindPreview. */
  rewindPreview: '/rewind/preview',
  /** POST `{ from, to, path }` → RewindDiff, of two trees that a preview named. */
  rewindDiff: '/rewind/diff',
  /** POST ForkRequest → ForkPoint: keeps what a fork of this session begins with. */
  forkPoint: '/fork/point',
  /** POST `{ forkId }` → the bytes of that, for `forkImport` of the new session's agent. */
  forkExport: '/fork/export',
  /** GET: ForkPoints, of all forks that are still to be filled from here. */
  forkPoints: '/fork/points',
  /** POST `{ forkId }`: it is no longer needed. */
  forkRelease: '/fork/release',
  /** POST the bytes of an export → ForkFilled. Until then the agent of a fork answers nothing else, and no turn begins. */
  forkImport: '/fork/import',
  /** GET: `{ filled }`. */
  forkState: '/fork/state',
  /** POST ExecuteRequest → ExecuteResult. */
  execute: '/execute',
  /** GET, no secret: 200 once it listens. */
  health: '/healthz',
} as const;
