'use client';
/** Tool calls: one line each with its outcome, everything of it on demand. */
import { memo, type ReactNode } from 'react';
import {
  Bot,
  Check,
  ChevronRight,
  CircleHelp,
  CircleSlash,
  CircleStop,
  FilePen,
  FilePlus2,
  FileText,
  Globe,
  ListTodo,
  LoaderCircle,
  Search,
  ShieldQuestion,
  SquareTerminal,
  Wrench,
  X,
} from 'lucide-react';

import { useInput } from '../../lib/blobs';
import { cx } from '../../lib/cx';
import { diffCounts, diffLines } from '../../lib/diff';
import { useSession } from '../../lib/session-context';
import { shortToolName, viewTool, type ToolView } from '../../lib/tool-view';
import { duration, plural } from '../../lib/time';
import { Output } from '../../ui/output';
import { ToolInputView } from '../../ui/tool-input';
import { useFold } from './folds';
import type { ItemOf, ToolCall } from './item';
import { BoundedRichText, RichText, ThinkingView } from './message-views';
import { InputNote, useWhole } from './whole-text';

const icons: Record<ToolView['kind'], ReactNode> = {
  edit: <FilePen size={14} aria-hidden />,
  write: <FilePlus2 size={14} aria-hidden />,
  command: <SquareTerminal size={14} aria-hidden />,
  read: <FileText size={14} aria-hidden />,
  search: <Search size={14} aria-hidden />,
  web: <Globe size={14} aria-hidden />,
  agent: <Bot size={14} aria-hidden />,
  todo: <ListTodo size={14} aria-hidden />,
  plan: <ListTodo size={14} aria-hidden />,
  other: <Wrench size={14} aria-hidden />,
};

const outcomes = {
  ok: { icon: <Check size={14} className="text-ok" aria-hidden />, word: 'Done', show: false },
  error: { icon: <X size={14} className="text-danger" aria-hidden />, word: 'Failed', show: true },
  denied: { icon: <CircleSlash size={14} className="text-muted" aria-hidden />, word: 'Denied', show: true },
  interrupted: {
    icon: <CircleStop size={14} className="text-attention" aria-hidden />,
    word: 'Interrupted',
    show: true,
  },
  unknown: {
    icon: <CircleHelp size={14} className="text-attention" aria-hidden />,
    word: 'Outcome unknown',
    show: true,
  },
} as const;

/** `+4 −1` of an edit. */
const Counts = ({ view }: { view: ToolView }) => {
  const pairs = view.kind === 'edit' ? view.edits : view.kind === 'write' ? [{ before: '', after: view.content }] : [];
  if (pairs.length === 0) return null;
  const counts = pairs.map(({ before, after }) => diffCounts(diffLines(before, after)));
  const added = counts.reduce((sum, { added: n }) => sum + n, 0);
  const removed = counts.reduce((sum, { removed: n }) => sum + n, 0);
  return (
    <span className="shrink-0 font-mono text-2xs tabular-nums">
      {added > 0 && <span className="text-ok">+{added}</span>}
      {added > 0 && removed > 0 && ' '}
      {removed > 0 && <span className="text-danger">−{removed}</span>}
    </span>
  );
};

const State = ({ call }: { call: ToolCall }) => {
  if (call.outcome !== null) {
    const { icon, word, show } = outcomes[call.outcome];
    return (
      <span className="flex shrink-0 items-center gap-1.5 text-xs text-muted">
        {call.durationMs !== null && call.durationMs >= 1_000 && (
          <span className="text-faint tabular-nums">{duration(call.durationMs)}</span>
        )}
        {icon}
        <span className={show ? undefined : 'sr-only'}>{word}</span>
      </span>
    );
  }
  if (call.approval?.status === 'open') {
    return (
      <span className="flex shrink-0 items-center gap-1.5 text-xs font-medium text-attention">
        <ShieldQuestion size={14} aria-hidden />
        Needs your answer
      </span>
    );
  }
  if (call.approval?.status === 'expired') return <span className="shrink-0 text-xs text-faint">Not run</span>;
  return (
    <span className="flex shrink-0 items-center gap-1.5 text-xs text-working">
      <LoaderCircle size={14} className="animate-spin" aria-hidden />
      <span className="sr-only">Running</span>
    </span>
  );
};

const Decision = ({ call }: { call: ToolCall }) => {
  const { approval } = call;
  if (approval === null || approval.status === 'open') return null;
  if (approval.status === 'expired')
    return (
      <p className="border-t border-line px-3 py-1.5 text-xs text-muted">
        {approval.reason ?? 'The question expired.'}
      </p>
    );
  return (
    <p className="border-t border-line px-3 py-1.5 text-xs text-muted">
      {approval.status === 'denied' ? 'Denied' : approval.scope === 'always' ? 'Always allowed' : 'Allowed'} by{' '}
      {approval.by}
      {approval.scope === 'session' && approval.status === 'allowed' && ' for this session'}
      {approval.scope === 'project' && approval.status === 'allowed' && ` in the project “${approval.project ?? ''}”`}
      {approval.isEdited && ', edited: what you see here is what ran'}
      {approval.reason !== null && approval.reason !== '' && <>: “{approval.reason}”</>}
    </p>
  );
};

const Body = ({ call }: { call: ToolCall }) => {
  const { id } = useSession();
  const [wanted, want] = useFold(`input:${call.toolUseId}`);
  const seen = useInput(id, call.input === null ? null : { input: call.input, wholeInput: call.wholeInput }, wanted);
  const output = useWhole(`output:${call.toolUseId}`, call.output);
  const view = viewTool(call.name, seen.input);
  const failed = call.outcome === 'error';
  // What an edit answers says nothing that the diff does not.
  const quiet = (view.kind === 'edit' || view.kind === 'write' || view.kind === 'todo') && call.outcome === 'ok';
  return (
    <div className="border-t border-line bg-sunken">
      {call.input !== null && view.kind !== 'plan' && <ToolInputView name={call.name} input={seen.input} />}
      {view.kind === 'plan' && (
        <div className="px-3 py-2">
          <RichText text={view.plan} />
        </div>
      )}
      {call.inputCut && (
        <div className="border-t border-line px-3 py-0.5 empty:hidden">
          <InputNote whole={call.wholeInput} seen={seen} onWanted={want} />
        </div>
      )}
      {call.inside.length > 0 && (
        <div className="border-t border-line px-3 py-2">
          {call.inside.map((entry) =>
            entry.kind === 'call' ? (
              <CallCard key={entry.toolUseId} call={entry} nested />
            ) : entry.thinking ? (
              <ThinkingView key={entry.key} id={entry.key} text={entry.text} />
            ) : (
              <div key={entry.key} className="py-1.5">
                <BoundedRichText id={entry.key} text={entry.text} />
              </div>
            ),
          )}
        </div>
      )}
      {call.output !== null && !quiet && (
        <div className="border-t border-line">
          {view.kind === 'agent' ? (
            <div className="px-3 py-2">
              <BoundedRichText id={`output:${call.toolUseId}`} text={call.output} />
            </div>
          ) : (
            <Output
              text={output.whole ?? call.output.text}
              all={output.whole !== null}
              note={output.note}
              failed={failed}
            />
          )}
        </div>
      )}
      <Decision call={call} />
    </div>
  );
};

/** A title is of what was asked; what was edited is named by what ran. */
const titleOf = ({ name, title, approval }: ToolCall, view: ToolView): string =>
  approval?.isEdited === true && view.kind === 'command' ? view.command : title === '' ? shortToolName(name) : title;

const CallCard = memo(({ call, nested = false }: { call: ToolCall; nested?: boolean }) => {
  const [open, toggle] = useFold(call.toolUseId);
  const view = viewTool(call.name, call.input ?? {});
  return (
    <div
      data-testid="tool-card"
      data-tool={call.name}
      data-outcome={call.outcome ?? 'running'}
      className={cx(nested && 'my-1 overflow-hidden rounded-md border border-line bg-surface')}
    >
      <button
        type="button"
        aria-expanded={open}
        onClick={toggle}
        className="target group flex w-full min-w-0 items-center gap-2 px-3 py-1.5 text-left text-sm hover:bg-hover"
      >
        <span className="shrink-0 text-muted">{icons[view.kind]}</span>
        <span className="min-w-0 flex-1 truncate">
          <span className="sr-only">{shortToolName(call.name)}: </span>
          {titleOf(call, view)}
        </span>
        {call.approval?.isEdited === true && (
          <span className="shrink-0 rounded-sm bg-active px-1 text-2xs text-muted">edited</span>
        )}
        {!call.inputCut && <Counts view={view} />}
        <State call={call} />
        <ChevronRight
          size={14}
          className={cx('shrink-0 text-faint transition-transform duration-100', open && 'rotate-90')}
          aria-hidden
        />
      </button>
      {open && <Body call={call} />}
    </div>
  );
});
CallCard.displayName = 'CallCard';

/** More calls than this in a row are folded to the last ones. */
const shownCalls = 4;

export const ToolsView = memo(({ item }: { item: ItemOf<'tools'> }) => {
  const [all, showAll] = useFold(item.key);
  const { calls } = item;
  const hidden = all || calls.length <= shownCalls + 1 ? 0 : calls.length - shownCalls;
  // What went wrong, or waits, is never folded away.
  const shown = calls.filter((call, index) => index >= hidden || call.outcome === null || call.outcome !== 'ok');
  return (
    <div className="my-2 divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {hidden > 0 && shown.length < calls.length && (
        <button
          type="button"
          onClick={showAll}
          className="target flex w-full items-center gap-2 px-3 py-1.5 text-left text-xs text-muted hover:bg-hover hover:text-text"
        >
          <ChevronRight size={14} aria-hidden />
          {plural(calls.length - shown.length, 'earlier tool call')}
        </button>
      )}
      {shown.map((call) => (
        <CallCard key={call.toolUseId} call={call} />
      ))}
    </div>
  );
});
ToolsView.displayName = 'ToolsView';
