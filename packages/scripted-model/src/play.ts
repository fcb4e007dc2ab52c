/**
 * Plays the steps of an answer into a sink: words at their pace, pauses, gates, errors, cuts.
 * It does not know rules, HTTP or how the sink writes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { apiError } from './errors.js';
import type { Gates } from './gates.js';
import { signature } from './identity.js';
import type { Step } from './script.js';
import type { Block, Delta, Sink } from './sink.js';
import { tokensOf } from './tokens.js';

export type Outcome = 'answered' | 'error' | 'cut' | 'aborted';

export interface PlayDeps {
  readonly sink: Sink;
  readonly gates: Gates;
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
  readonly maxTokens: number;
  readonly toolUseId: (index: number) => string;
}

type PiecedStep = Extract<Step, { kind: 'text' | 'thinking' | 'toolUse' }>;

const jsonPieceChars = 48;

export const play = async (steps: readonly Step[], deps: PlayDeps): Promise<Outcome> => {
  const { sink, gates, signal } = deps;
  const writer = createWriter(deps);
  let reason: string | undefined;
  for (const step of steps) {
    if (signal.aborted) return 'aborted';
    if (step.kind === 'start') sink.begin();
    else if (step.kind === 'silence') await sink.flush().then(() => pause(step.ms, signal));
    else if (step.kind === 'gate') await sink.flush().then(() => gates.pass(step.name, signal));
    else if (step.kind === 'halfStream') writer.cutAfter(step.deltas);
    else if (step.kind === 'stop') reason = step.reason;
    else if (step.kind === 'error') {
      const { kind: _kind, status, ...more } = step;
      sink.fail(apiError(status, more));
      return 'error';
    } else await writer.write(step);
    const ended = writer.ended();
    if (ended === 'cut' || ended === 'aborted') return ended;
    if (ended === 'max_tokens') break;
  }
  if (signal.aborted) return 'aborted';
  if (writer.mustCut()) {
    sink.cut();
    return 'cut';
  }
  writer.closeBlock();
  sink.end(writer.ended() ?? reason ?? (writer.usedTools() ? 'tool_use' : 'end_turn'), writer.outputTokens());
  return 'answered';
};

interface Writer {
  write(step: PiecedStep): Promise<void>;
  cutAfter(deltas: number): void;
  /** A cut was asked for and there were fewer deltas than it wanted: the end is cut off instead. */
  mustCut(): boolean;
  closeBlock(): void;
  /** Why nothing more may be written. */
  ended(): 'cut' | 'aborted' | 'max_tokens' | undefined;
  usedTools(): boolean;
  outputTokens(): number;
}

const createWriter = ({ sink, signal, maxTokens, toolUseId }: PlayDeps): Writer => {
  let open: Block | undefined;
  let ended: ReturnType<Writer['ended']>;
  let deltasLeft = Number.POSITIVE_INFINITY;
  let tools = 0;
  let chars = 0;

  const closeBlock = (): void => {
    if (open === undefined) return;
    if (open.type === 'thinking') {
      open.signature = signature(open.thinking);
      void sink.delta({ type: 'signature_delta', signature: open.signature });
    }
    sink.closeBlock(open);
    open = undefined;
  };

  /** Neighbouring steps of one kind go on in the same block, so that a gate can stand in the middle of a text. */
  const openFor = (step: PiecedStep): Block => {
    if (open !== undefined && step.kind === open.type) return open;
    closeBlock();
    if (step.kind === 'text') open = { type: 'text', text: '' };
    else if (step.kind === 'thinking') open = { type: 'thinking', thinking: '', signature: '' };
    else open = { type: 'tool_use', id: toolUseId(tools++), name: step.name, input: {} };
    sink.openBlock({ ...open });
    return open;
  };

  const write = async (step: PiecedStep): Promise<void> => {
    const block = openFor(step);
    const pieces = piecesOf(step);
    const beganAt = performance.now();
    for (const [index, piece] of pieces.entries()) {
      // Paced from the beginning, so that late timers do not add up.
      if (step.delayMs) await pause(beganAt + (index + 1) * step.delayMs - performance.now(), signal);
      if (signal.aborted) return void (ended = 'aborted');
      if (step.kind !== 'toolUse' && chars > 0 && tokensOf(chars + piece.length) > maxTokens)
        return void (ended = 'max_tokens');
      if (deltasLeft === 0) return cut();
      deltasLeft -= 1;
      chars += piece.length;
      await sink.delta(grow(block, piece));
    }
    if (block.type === 'tool_use' && step.kind === 'toolUse') block.input = step.input;
    if (deltasLeft === 0) cut();
  };

  const cut = (): void => {
    ended = 'cut';
    sink.cut();
  };

  return {
    write,
    cutAfter: (deltas) => {
      deltasLeft = deltas;
      if (deltas === 0) cut();
    },
    mustCut: () => Number.isFinite(deltasLeft),
    closeBlock,
    ended: () => ended,
    usedTools: () => tools > 0,
    outputTokens: () => Math.max(1, tokensOf(chars)),
  };
};

/** Words with the blanks behind them; a tool's input as pieces of its JSON. */
const piecesOf = (step: PiecedStep): readonly string[] => {
  if (step.kind !== 'toolUse') return step.text.match(/^\s+|\S+\s*/g) ?? [];
  const json = JSON.stringify(step.input);
  return json.match(new RegExp(`[^]{1,${jsonPieceChars}}`, 'gu')) ?? [];
};

const grow = (block: Block, piece: string): Delta => {
  if (block.type === 'text') {
    block.text += piece;
    return { type: 'text_delta', text: piece };
  }
  if (block.type === 'thinking') {
    block.thinking += piece;
    return { type: 'thinking_delta', thinking: piece };
  }
  return { type: 'input_json_delta', partial_json: piece };
};

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  if (ms <= 0 || signal.aborted) return;
  await sleep(ms, undefined, { signal }).catch(() => undefined);
};
