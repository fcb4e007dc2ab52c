'use client';
/** Megabytes of text in a scrolling box: the browser lays out only the pieces that are in sight. */
import { useMemo } from 'react';

import { colouredSpans, piecesOf, plainSpans } from '../lib/long-text';
import { cx } from '../lib/cx';

const rowPx = 18;

interface LongTextProps {
  text: string;
  /** What it is, for those who do not see it. */
  label: string;
  /** Escapes of a terminal become colours. */
  coloured?: boolean;
  className?: string;
}

export const LongText = ({ text, label, coloured = false, className }: LongTextProps) => {
  const pieces = useMemo(() => piecesOf(coloured ? colouredSpans(text) : plainSpans(text)), [text, coloured]);
  return (
    <pre
      tabIndex={0}
      aria-label={label}
      data-testid="long-text"
      className={cx(
        'max-h-120 overflow-auto px-3 py-2 text-xs leading-[18px] break-words whitespace-pre-wrap',
        className,
      )}
    >
      {pieces.map(({ spans, rows }, index) => (
        <span
          key={index}
          className="block"
          style={{ contentVisibility: 'auto', containIntrinsicSize: `auto ${rows * rowPx}px` }}
        >
          {spans.map((span, at) => (
            <span
              key={at}
              className={cx(span.bold && 'font-semibold', span.dim && 'opacity-70')}
              style={span.color === null ? undefined : { color: span.color }}
            >
              {span.text}
            </span>
          ))}
        </span>
      ))}
    </pre>
  );
};
