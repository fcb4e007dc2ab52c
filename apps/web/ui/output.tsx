'use client';
/** Output of a command: coloured, capped at its end lines, whole on demand. */
import { useMemo, useState, type ReactNode } from 'react';

import { ansiSpans } from '../lib/ansi';
import { cx } from '../lib/cx';
import { LongText } from './long-text';

const cappedLines = 16;

const LastLines = ({ text, tone }: { text: string; tone: string }) => {
  const [whole, setWhole] = useState(false);
  const lines = useMemo(() => text.replace(/\n$/, '').split('\n'), [text]);
  const hidden = whole ? 0 : Math.max(0, lines.length - cappedLines);
  // The end of an output says how it went.
  const spans = useMemo(
    () => ansiSpans(hidden > 0 ? lines.slice(hidden).join('\n') : lines.join('\n')),
    [lines, hidden],
  );
  return (
    <>
      {hidden > 0 && (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="target w-full border-b border-line px-3 py-1.5 text-left text-xs text-accent-text hover:bg-hover"
        >
          Show all {lines.length} lines
        </button>
      )}
      <pre
        tabIndex={0}
        aria-label="Output"
        className={cx('max-h-120 overflow-auto px-3 py-2 text-xs leading-[18px] break-words whitespace-pre-wrap', tone)}
      >
        {spans.map((span, index) => (
          <span
            key={index}
            className={cx(span.bold && 'font-semibold', span.dim && 'opacity-70')}
            style={span.color === null ? undefined : { color: span.color }}
          >
            {span.text}
          </span>
        ))}
      </pre>
    </>
  );
};

interface OutputProps {
  text: string;
  /** Said beneath where the text itself is only a beginning. */
  note?: ReactNode;
  /** The text is all that a reader asked for: nothing of it is folded away. */
  all?: boolean;
  failed?: boolean;
}

export const Output = ({ text, note = null, all = false, failed = false }: OutputProps) => {
  if (text === '') return <p className="px-3 py-2 text-xs text-faint">No output.</p>;
  const tone = failed ? 'text-text' : 'text-muted';
  return (
    <div>
      {all ? <LongText coloured text={text} label="Output" className={tone} /> : <LastLines text={text} tone={tone} />}
      {note !== null && <div className="border-t border-line px-3 py-0.5">{note}</div>}
    </div>
  );
};
