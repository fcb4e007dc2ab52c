/**
 * The session that is forked: it keeps what the fork begins with, and gives it out as often as it is asked. Nothing of the
 * session itself changes. It does not know where the fork is.
 */
import { dirname } from 'node:path';

import {
  AppError,
  type Checkpoint,
  type CommandId,
  type ForkPoint,
  type ForkRequest,
  type SessionId,
  type TurnId,
} from '@remote-claude/contract';

import type { Snapshots } from '../snapshots/index.js';
import { openBeside } from './beside.js';
import { findConversation, readConversation } from './conversations.js';
import { writeFrames, type Frame } from './frames.js';
import { forkHeader } from './header.js';
import type { Point, Points } from './points.js';

export interface Located {
  checkpoint: Checkpoint;
  conversation: { id: string; resumeAt: string | null } | null;
  turnId: TurnId | null;
}

export interface ForkSource {
  /** Throws `AppError` with why the session cannot be forked there. */
  keep(request: ForkRequest): Promise<ForkPoint>;
  /** About how many bytes, and the bytes. */
  pour(forkId: SessionId): Promise<{ bytes: number; stream: AsyncGenerator<Buffer> }>;
  release(forkId: SessionId): Promise<void>;
  /** For whom something is kept. */
  kept(): { forkId: SessionId; ageMs: number }[];
}

export interface ForkSourceDeps {
  points: Points;
  snapshots: Pick<Snapshots, 'list' | 'pour'>;
  /** Just before a message, or now; what is written down before it resolves is still so. */
  locate<T>(messageId: CommandId | null, write: (found: Located) => Promise<T>): Promise<T>;
  home: string;
  workspace: string;
  now?: () => number;
}

/** At a time; the others ask again. */
const maxPouring = 3;
const pieceBytes = 1024 * 1024;

export const createForkSource = (deps: ForkSourceDeps): ForkSource => {
  const { points, snapshots, home, workspace, now = Date.now } = deps;
  let pouring = 0;

  const checkpointOf = ({ checkpointId: id }: Point): Checkpoint => {
    const found = snapshots.list().find(({ checkpointId }) => checkpointId === id);
    if (found === undefined) throw gone();
    return found;
  };
  const toAnswer = (point: Point): ForkPoint => {
    const { checkpointId, tree } = checkpointOf(point);
    return { checkpointId, tree, turnId: point.turnId };
  };

  const keep = async ({ forkId, messageId }: ForkRequest): Promise<ForkPoint> => {
    const known = points.find(forkId);
    if (known !== null) return toAnswer(known);
    points.requireRoom();
    return deps.locate(messageId, async ({ checkpoint, conversation, turnId }) => {
      const file = conversation === null ? null : await findConversation(home, conversation.id);
      if (conversation !== null && file === null) {
        throw new AppError('conflict', {
          message:
            "Claude's memory of this conversation is not on the session's disk, so a fork could not go on with it.",
        });
      }
      const kept = conversation === null || file === null ? null : { ...conversation, bytes: file.bytes };
      const { checkpointId } = checkpoint;
      const point: Point = { forkId, messageId, checkpointId, turnId, conversation: kept, atMs: now() };
      await points.add(point);
      return toAnswer(point);
    });
  };

  const framesOf = async function* (point: Point, objects: Iterable<Buffer>): AsyncGenerator<Frame> {
    const { conversation } = point;
    const file = conversation === null ? null : await findConversation(home, conversation.id);
    if (conversation !== null && file === null) throw gone();
    const projects = file === null ? '' : dirname(file.path);
    const header = forkHeader.encode({ workspace, projects, checkpoint: checkpointOf(point), conversation });
    yield { kind: 'header', payload: header };
    if (conversation !== null && file !== null) {
      const beside = await openBeside(file.path);
      const cut = { bytes: Math.min(file.bytes, conversation.bytes), lastId: conversation.resumeAt };
      for await (const line of readConversation(file.path, cut)) {
        beside.see(line);
        yield* inPieces('conversation', line);
      }
      for await (const { name, pieces } of beside.files()) {
        yield { kind: 'file', payload: Buffer.from(name) };
        for await (const piece of pieces) yield* inPieces('piece', piece);
      }
    }
    for (const payload of objects) yield { kind: 'object', payload };
  };

  return {
    keep,
    pour: async (forkId) => {
      const point = points.find(forkId);
      if (point === null) throw gone();
      if (pouring >= maxPouring)
        throw new AppError('unavailable', { message: 'Other forks are copied from this session just now.' });
      const { bytes, objects } = await snapshots.pour(checkpointOf(point));
      const stream = async function* (): AsyncGenerator<Buffer> {
        pouring += 1;
        try {
          yield* writeFrames(framesOf(point, objects));
        } finally {
          pouring -= 1;
        }
      };
      return { bytes: bytes + (point.conversation?.bytes ?? 0), stream: stream() };
    },
    release: (forkId) => points.remove(forkId),
    kept: () => points.list().map(({ forkId, atMs }) => ({ forkId, ageMs: Math.max(0, now() - atMs) })),
  };
};

function* inPieces(kind: 'conversation' | 'piece', bytes: Buffer): Generator<Frame> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield { kind, payload: bytes.subarray(at, at + pieceBytes) };
}

const gone = (): AppError =>
  new AppError('not_found', {
    message: 'What this fork was to begin with is no longer kept. Terminate it, and fork the session again.',
  });
