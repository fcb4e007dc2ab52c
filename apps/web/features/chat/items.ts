/**
 * The transcript as a list of items, folded from the session's events. Pure: it knows no socket, no clock and no React.
 * Invariants: the same events give the same items however they arrive in pieces; an item that did not change is the same object;
 * every item has a key of its own that stays while more events come.
 */
import type { EventOf, NumberedEvent } from '@remote-claude/contract';
import type { CallApproval, Item, Said, ToolCall } from './item';

interface Folder {
  /** All items of these events. A run that continues the last one is folded on from there. */
  fold(events: readonly NumberedEvent[]): readonly Item[];
}

const emptyCall = (event: Pick<EventOf<'tool.finished'>, 'toolUseId' | 'name' | 'title'>, at: string): ToolCall => ({
  kind: 'call',
  toolUseId: event.toolUseId,
  name: event.name,
  title: event.title,
  at,
  input: null,
  inputCut: false,
  outcome: null,
  output: null,
  durationMs: null,
  approval: null,
  inside: [],
});

/** One fold from the first event on. Mutable inside, so that one more event costs the same in a long history. */
const createRun = () => {
  let items: Item[] = [];
  /** Index of the item that holds a top-level call. */
  const itemOfCall = new Map<string, number>();
  /** The call at the top above a nested one. */
  const rootOfCall = new Map<string, string>();
  const callOfApproval = new Map<string, string>();
  const waiting = new Map<string, { at: string; event: EventOf<'message.user'> }>();
  const costOfTurn = new Map<string, number>();
  const endOfTurn = new Map<string, number>();
  const askedBy = new Map<string, string>();
  /** What the last note about the place says, while it is still gone. */
  let endSaid: string | null = null;
  let copied = false;

  const write = (): Item[] => {
    if (!copied) items = [...items];
    copied = true;
    return items;
  };
  const push = (item: Item): void => void write().push(item);

  const changeIn = (
    list: readonly (ToolCall | Said)[],
    id: string,
    change: (call: ToolCall) => ToolCall,
  ): (ToolCall | Said)[] =>
    list.map((entry) => {
      if (entry.kind === 'said') return entry;
      if (entry.toolUseId === id) return change(entry);
      return entry.inside.length === 0 ? entry : { ...entry, inside: changeIn(entry.inside, id, change) };
    });

  /** Changes a call wherever it is; false where it is not known. */
  const changeCall = (id: string, change: (call: ToolCall) => ToolCall): boolean => {
    const root = rootOfCall.get(id) ?? id;
    const index = itemOfCall.get(root);
    const item = index === undefined ? undefined : items[index];
    if (index === undefined || item?.kind !== 'tools') return false;
    const calls = item.calls.map((call) => {
      if (call.toolUseId !== root) return call;
      return call.toolUseId === id ? change(call) : { ...call, inside: changeIn(call.inside, id, change) };
    });
    write()[index] = { ...item, calls };
    return true;
  };

  const addCall = (call: ToolCall, parent: string | null): void => {
    if (parent !== null && changeCall(parent, (outer) => ({ ...outer, inside: [...outer.inside, call] }))) {
      rootOfCall.set(call.toolUseId, rootOfCall.get(parent) ?? parent);
      return;
    }
    const last = items.at(-1);
    if (last?.kind === 'tools') {
      write()[items.length - 1] = { ...last, calls: [...last.calls, call] };
    } else {
      push({ kind: 'tools', key: `tools:${call.toolUseId}`, calls: [call] });
    }
    itemOfCall.set(call.toolUseId, items.length - 1);
  };

  const say = (event: EventOf<'text'> | EventOf<'thinking'>, at: string): void => {
    const parent = event.parentToolUseId;
    const said: Said = { kind: 'said', key: event.blockId, text: event.text, thinking: event.type === 'thinking' };
    if (parent !== null && changeCall(parent, (outer) => ({ ...outer, inside: [...outer.inside, said] }))) return;
    push({ kind: event.type, key: `block:${event.blockId}`, at, text: event.text });
  };

  const message = ({ at, event }: { at: string; event: EventOf<'message.user'> }): void => {
    const { messageId, by, text, taskId } = event;
    push({ kind: 'message', key: `message:${messageId}`, at, by, text, messageId, ofTask: taskId !== null });
  };

  const note = (
    seq: number,
    at: string,
    text: string,
    more: { tone?: 'attention' | 'danger'; next?: string | null } = {},
  ): void => push({ kind: 'note', key: `note:${seq}`, at, tone: more.tone ?? 'plain', text, next: more.next ?? null });

  const approvalOf = (approvalId: string, patch: Partial<CallApproval>): void => {
    const call = callOfApproval.get(approvalId) ?? approvalId;
    changeCall(call, (known) => ({
      ...known,
      approval: {
        approvalId,
        status: 'open',
        by: null,
        scope: null,
        reason: null,
        isEdited: false,
        ...known.approval,
        ...patch,
      },
    }));
  };

  const placeChanged = (seq: number, at: string, { wanted, status, reason, next }: EventOf<'place.changed'>): void => {
    const isEnd = status === 'stopped' || status === 'failed';
    const otherwise =
      status === 'failed'
        ? 'The session failed.'
        : `The session was ${wanted === 'terminated' ? 'terminated' : 'stopped'}.`;
    const text = reason ?? otherwise;
    // An end is said once, however often the place is looked at after it.
    if (isEnd && text !== endSaid) note(seq, at, text, { ...(status === 'failed' && { tone: 'danger' }), next });
    endSaid = isEnd ? text : null;
  };

  const setUp = (seq: number, at: string, { outcome, exitCode, reason, durationMs }: EventOf<'setup.ended'>): void => {
    if (outcome !== 'failed') {
      const took = `The set-up script ended well after ${Math.max(1, Math.round(durationMs / 1000))} s.`;
      return note(seq, at, outcome === 'done' ? took : 'This set-up script had ended well here before.');
    }
    const text = exitCode === null ? `Set-up failed. ${reason ?? ''}`.trim() : `Set-up failed with code ${exitCode}.`;
    note(seq, at, text, { tone: 'danger', next: 'The session works, and what the script did is kept.' });
  };

  const filled = (seq: number, at: string, { leftOut, skipped }: EventOf<'fork.filled'>): void => {
    const missing = [
      ...(leftOut > 0 ? [`${leftOut} dependency ${leftOut === 1 ? 'folder' : 'folders'}`] : []),
      ...(skipped.count > 0
        ? [`${skipped.count} ${skipped.count === 1 ? 'path' : 'paths'} that could not be kept`]
        : []),
    ];
    const named = skipped.items.map(({ path }) => path).slice(0, 3);
    const next =
      named.length === 0 ? null : `Not here: ${named.join(', ')}${skipped.count > named.length ? ', …' : ''}`;
    note(seq, at, `The files were copied${missing.length === 0 ? '.' : `, without ${missing.join(' and ')}.`}`, {
      next,
    });
  };

  /** After items moved, what comes later must find its own again. */
  const indexAgain = (): void => {
    itemOfCall.clear();
    endOfTurn.clear();
    items.forEach((item, index) => {
      if (item.kind === 'tools') for (const { toolUseId } of item.calls) itemOfCall.set(toolUseId, index);
      if (item.kind === 'turn-end') endOfTurn.set(item.key.slice('turn:'.length), index);
    });
  };

  /** Folds what a rewind took out; where its beginning is not loaded, that is everything. */
  const rewound = (at: string, event: EventOf<'rewind.done'>): void => {
    const { rewindId, what, messageId, undoes, files } = event;
    const from = items.findIndex((item) => item.kind === 'rewound' && item.rewindId === undoes);
    const undone = items[from];
    let kept = items;
    let taken: readonly Item[] = [];
    if (what !== 'files' && messageId !== null) {
      const first = items.findIndex((item) => item.kind === 'message' && item.messageId === messageId);
      kept = items.slice(0, Math.max(0, first));
      taken = items.slice(Math.max(0, first));
    } else if (what !== 'files' && undone?.kind === 'rewound') {
      kept = [...items.slice(0, from), ...undone.items];
      taken = items.slice(from + 1);
    }
    const by = askedBy.get(rewindId) ?? null;
    const isUndo = undoes !== null;
    items = [
      ...kept,
      { kind: 'rewound', key: `rewound:${rewindId}`, at, rewindId, by, what, isUndo, files, items: taken },
    ];
    copied = true;
    indexAgain();
  };

  const take = ({ seq, at, event }: NumberedEvent): void => {
    switch (event.type) {
      case 'message.user':
        waiting.set(event.messageId, { at, event });
        return;
      case 'message.withdrawn':
        waiting.delete(event.messageId);
        return;
      case 'turn.started':
        for (const id of event.messageIds) {
          const known = waiting.get(id);
          if (known !== undefined) message(known);
          waiting.delete(id);
        }
        return;
      case 'text':
      case 'thinking':
        return say(event, at);
      case 'block.interrupted':
        if (event.text.text !== '') {
          push({ kind: 'interrupted', key: `block:${event.blockId}`, at, blockKind: event.kind, text: event.text });
        }
        return;
      case 'tool.called': {
        const { input, inputCut, wholeInput } = event;
        if (!changeCall(event.toolUseId, (call) => ({ ...call, input, inputCut, wholeInput }))) {
          addCall({ ...emptyCall(event, at), input, inputCut, wholeInput }, event.parentToolUseId);
        }
        return;
      }
      case 'tool.finished': {
        const { outcome, output, durationMs } = event;
        if (!changeCall(event.toolUseId, (call) => ({ ...call, outcome, output, durationMs }))) {
          addCall({ ...emptyCall(event, at), outcome, output, durationMs }, event.parentToolUseId);
        }
        return;
      }
      case 'approval.asked': {
        const { approvalId, tool, title, input } = event.approval;
        callOfApproval.set(approvalId, approvalId);
        // The question may come before the call is told of.
        const known = changeCall(approvalId, (call) => call);
        if (!known) addCall({ ...emptyCall({ toolUseId: approvalId, name: tool, title }, at), input }, null);
        return approvalOf(approvalId, { status: 'open' });
      }
      case 'approval.answered': {
        const { approvalId, by, scope, forProject, reason, decision, input } = event;
        const isAllowed = decision === 'allow';
        // What ran is shown, and not what was asked; a form's answers are in what Claude is told.
        const changed = isAllowed && input !== null && !('answers' in input) ? input : null;
        if (changed !== null) {
          changeCall(callOfApproval.get(approvalId) ?? approvalId, (call) => ({ ...call, input: changed }));
        }
        return approvalOf(approvalId, {
          isEdited: changed !== null,
          status: isAllowed ? 'allowed' : 'denied',
          by: by.name,
          scope: forProject === undefined ? scope : 'project',
          project: forProject,
          reason,
        });
      }
      case 'approval.expired':
        return approvalOf(event.approvalId, { status: 'expired', reason: event.reason });
      case 'usage.recorded': {
        if (event.turnId === null) return;
        const costUsd = (costOfTurn.get(event.turnId) ?? 0) + event.costUsd;
        costOfTurn.set(event.turnId, costUsd);
        const index = endOfTurn.get(event.turnId);
        const footer = index === undefined ? undefined : items[index];
        if (index !== undefined && footer?.kind === 'turn-end') write()[index] = { ...footer, costUsd };
        return;
      }
      case 'turn.ended': {
        if (endOfTurn.has(event.turnId)) return;
        const { turnId, outcome, reason, durationMs, usage } = event;
        push({
          kind: 'turn-end',
          key: `turn:${turnId}`,
          at,
          outcome,
          reason,
          durationMs,
          usage,
          costUsd: costOfTurn.get(turnId) ?? 0,
        });
        endOfTurn.set(turnId, items.length - 1);
        return;
      }
      case 'place.changed':
        return placeChanged(seq, at, event);
      case 'context.compacted':
        return note(seq, at, 'Earlier conversation was summarised to make room.');
      case 'command.refused':
        return note(seq, at, event.reason, { tone: 'attention' });
      case 'rewind.asked':
        askedBy.set(event.rewindId, event.by.name);
        return;
      case 'rewind.done':
        return rewound(at, event);
      case 'session.created':
        return note(seq, at, `${event.by.name} started this session.`);
      case 'session.forked':
        return note(
          seq,
          at,
          `${event.by.name} forked this session from “${event.from.name}”. What is above was said there.`,
        );
      case 'fork.filled':
        return filled(seq, at, event);
      case 'setup.asked':
        return note(seq, at, `${event.by.name} asked for a set-up script to be run.`);
      case 'setup.ended':
        return setUp(seq, at, event);
      case 'setup.started':
      case 'setup.output':
      case 'session.renamed':
      case 'task.changed':
      case 'claude.started':
      case 'claude.configured':
      case 'todo.changed':
      case 'checkpoint.taken':
      case 'checkpoint.dropped':
      case 'terminal.opened':
      case 'terminal.renamed':
      case 'terminal.ended':
      case 'terminal.closed':
        return;
    }
  };

  return {
    extend(events: readonly NumberedEvent[]): readonly Item[] {
      copied = false;
      for (const numbered of events) take(numbered);
      return items;
    },
  };
};

export const createItemFolder = (): Folder => {
  let run = createRun();
  let folded: readonly NumberedEvent[] = [];
  let items: readonly Item[] = [];
  return {
    fold(events) {
      if (events === folded) return items;
      const continues =
        folded.length > 0 &&
        events.length >= folded.length &&
        events[0] === folded[0] &&
        events[folded.length - 1] === folded.at(-1);
      if (!continues) run = createRun();
      items = run.extend(continues ? events.slice(folded.length) : events);
      folded = events;
      return items;
    },
  };
};

/** As the folder does, for one run of events. */
export const foldItems = (events: readonly NumberedEvent[]): readonly Item[] => createItemFolder().fold(events);
