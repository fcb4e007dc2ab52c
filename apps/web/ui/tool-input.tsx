/** The whole input of a tool call, shown by what it is: a diff, a command, an address, or its fields. */
import { useMemo } from 'react';
import type { ToolInput } from '@remote-claude/contract';

import { shortPath, viewTool } from '../lib/tool-view';
import { CodeText } from './code';
import { Diff } from './diff';
import { LongText } from './long-text';

const Path = ({ path, note }: { path: string; note?: string | null }) => (
  <p className="border-b border-line px-3 py-1.5 font-mono text-xs break-all text-muted last:border-b-0">
    {shortPath(path)}
    {note !== null && note !== undefined && <span className="ml-2 font-sans text-faint">{note}</span>}
  </p>
);

/** From here on a value is laid out piece by piece. */
const longChars = 20_000;
/** Above this even a diff is too much at once: its texts are shown as they are. */
const hugeChars = 200_000;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? ''));

const Value = ({ name, value }: { name: string; value: unknown }) => {
  const text = textOf(value);
  return text.length > longChars ? (
    <LongText text={text} label={name} className="px-0 py-0" />
  ) : (
    <div className="max-h-80 overflow-auto break-words whitespace-pre-wrap">{text}</div>
  );
};

const Fields = ({ input }: { input: ToolInput }) => {
  const entries = Object.entries(input);
  if (entries.length === 0) return <p className="px-3 py-2 text-xs text-faint">It takes no input.</p>;
  return (
    <dl className="grid gap-2 px-3 py-2 text-xs">
      {entries.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-faint">{name}</dt>
          <dd className="font-mono text-text">
            <Value name={name} value={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
};

export const ToolInputView = ({ name, input }: { name: string; input: ToolInput }) => {
  const view = viewTool(name, input);
  const isHuge = useMemo(() => JSON.stringify(input).length > hugeChars, [input]);
  if (isHuge) return <Fields input={input} />;
  switch (view.kind) {
    case 'edit':
      return (
        <>
          <Path path={view.path} note={view.replaceAll ? 'everywhere in the file' : null} />
          {view.edits.map((edit, index) => (
            <Diff key={index} before={edit.before} after={edit.after} path={view.path} />
          ))}
        </>
      );
    case 'write':
      return (
        <>
          <Path path={view.path} note="the whole file" />
          <Diff before="" after={view.content} path={view.path} />
        </>
      );
    case 'command':
      return (
        <>
          <pre
            tabIndex={0}
            aria-label="Command"
            className="max-h-80 overflow-auto px-3 py-2.5 text-xs leading-[19px] break-words whitespace-pre-wrap text-code"
          >
            <span className="mr-2 text-faint select-none" aria-hidden>
              $
            </span>
            <CodeText code={view.command} language="bash" />
          </pre>
          {view.background && (
            <p className="border-t border-line px-3 py-1.5 text-xs text-faint">Runs in the background.</p>
          )}
        </>
      );
    case 'read':
      return <Path path={view.path} note={view.range} />;
    case 'web':
      return (
        <div className="px-3 py-2 text-xs">
          {view.url !== null && <p className="font-mono break-all">{view.url}</p>}
          {view.query !== null && <p className="text-muted">{view.query}</p>}
        </div>
      );
    case 'agent':
      return (
        <pre className="max-h-80 overflow-auto px-3 py-2 font-sans text-sm whitespace-pre-wrap">{view.prompt}</pre>
      );
    case 'search':
    case 'todo':
    case 'plan':
    case 'other':
      return <Fields input={input} />;
  }
};
