'use client';
/** How full the context is. */
import { useSessionView } from '../../lib/session-context';
import { count } from '../../lib/time';
import { Tip } from '../../ui/tip';

/** What a model reads at most, where nothing else is known. */
const contextTokensAtMost = 200_000;
const radius = 6;
const around = 2 * Math.PI * radius;

export const Meters = () => {
  const contextTokens = useSessionView(({ log }) => log.state.contextTokens);
  const part = Math.min(1, contextTokens / contextTokensAtMost);
  const percent = Math.round(part * 100);
  const color = part > 0.9 ? 'var(--danger)' : part > 0.75 ? 'var(--attention)' : 'var(--accent)';
  return (
    <span className="flex shrink-0 items-center gap-2 text-xs text-faint tabular-nums">
      <Tip label={`${count(contextTokens)} of ${count(contextTokensAtMost)} tokens of context used`}>
        <span
          tabIndex={0}
          role="meter"
          aria-label="Context used"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
          className="inline-flex items-center gap-1.5 rounded-sm"
        >
          <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden>
            <circle cx="8" cy="8" r={radius} fill="none" stroke="var(--line-strong)" strokeWidth="2" />
            <circle
              cx="8"
              cy="8"
              r={radius}
              fill="none"
              stroke={color}
              strokeWidth="2"
              strokeDasharray={`${around * part} ${around}`}
              transform="rotate(-90 8 8)"
            />
          </svg>
          <span className="max-sm:hidden">{percent}%</span>
        </span>
      </Tip>
    </span>
  );
};
