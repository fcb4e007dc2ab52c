'use client';
/** Output of a command: coloured, capped at its end lines, whole on demand. */
import { useMemo, useState } from 'react';

import { ansiSpans } from '../lib/ansi';
import { cx } from '../lib/cx';

const cappedLines = 16;

interface OutputProps {
  text: string;
  /** Said beneath where the text itself is only a beginning. */
  cut?: string | null;
  failed?: boolean;
}

export const Output = ({ text, cut = null, failed = false }: OutputProps) => {
  const [whole, setWhole] = useState(false);
  const lines = useMemo(() => text.replace(/\n$/, '').split('\n'), [text]);
  const hidden = whole ? 0 : Math.max(0, lines.length - cappedLines);
  // The end of an output says how it went.
  const spans = useMemo(
    () => ansiSpans(hidden > 0 ? lines.slice(hidden).join('\n') : lines.join('\n')),
    [lines, hidden],
  );
  if (text === '') return <p className="px-3 py-2 text-xs text-faint">No output.</p>;
  return (
    <div>
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
        className={cx(
          'max-h-120 overflow-auto px-3 py-2 text-xs leading-[18px] break-words whitespace-pre-wrap',
          failed ? 'text-text' : 'text-muted',
        )}
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
      {cut !== null && <p className="border-t border-line px-3 py-1.5 text-xs text-faint">{cut}</p>}
    </div>
  );
};
