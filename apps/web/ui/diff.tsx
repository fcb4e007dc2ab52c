'use client';
/** A unified diff of two texts, long stretches that are the same folded away. */
import { Fragment, useEffect, useMemo, useState } from 'react';

import { diffLines, type DiffLine } from '../lib/diff';
import { highlight, languageOfPath, type Token } from '../lib/highlight';
import { cx } from '../lib/cx';

const context = 3;
const firstShown = 60;

const looks = {
  add: { row: 'bg-diff-add', sign: '+', signColor: 'text-ok' },
  del: { row: 'bg-diff-del', sign: '−', signColor: 'text-danger' },
  same: { row: '', sign: ' ', signColor: '' },
} as const;

/** Indices of lines near a change; what is between is folded. */
const nearChanges = (lines: readonly DiffLine[]): Set<number> => {
  const near = new Set<number>();
  lines.forEach((line, index) => {
    if (line.kind === 'same') return;
    for (let at = index - context; at <= index + context; at++) near.add(at);
  });
  return near;
};

const useColours = (before: string, after: string, path: string) => {
  const [colours, setColours] = useState<{ key: string; before: Token[][]; after: Token[][] } | null>(null);
  const key = `${path}\0${before}\0${after}`;
  useEffect(() => {
    const language = languageOfPath(path);
    if (language === null) return;
    let over = false;
    Promise.all([highlight(before, language), highlight(after, language)]).then(
      ([left, right]) => !over && setColours({ key, before: left, after: right }),
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [key, before, after, path]);
  return colours?.key === key ? colours : null;
};

export const Diff = ({ before, after, path }: { before: string; after: string; path: string }) => {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const near = useMemo(() => nearChanges(lines), [lines]);
  const [whole, setWhole] = useState(false);
  const colours = useColours(before, after, path);
  const shown = whole ? lines : lines.filter((_, index) => near.has(index)).slice(0, firstShown);
  const hidden = lines.length - shown.length;
  return (
    <div className="bg-surface font-mono text-xs leading-[19px]">
      <div tabIndex={0} role="group" aria-label={`Changes of ${path}`} className="max-h-100 overflow-auto">
        <table className="w-full border-collapse">
          <tbody>
            {shown.map((line, index) => {
              const previous = shown[index - 1];
              const gap =
                previous !== undefined &&
                (previous.after ?? previous.before ?? 0) + 1 <
                  (line.kind === 'del' ? (line.before ?? 0) : (line.after ?? 0)) &&
                line.kind === 'same' &&
                previous.kind === 'same';
              const tokens =
                line.kind === 'del' ? colours?.before[(line.before ?? 0) - 1] : colours?.after[(line.after ?? 0) - 1];
              return (
                <Fragment key={index}>
                  {gap && (
                    <tr aria-hidden>
                      <td colSpan={3} className="border-y border-line bg-sunken px-3 text-faint">
                        ⋯
                      </td>
                    </tr>
                  )}
                  <tr className={looks[line.kind].row}>
                    <td className="w-px pr-2 pl-3 text-right text-faint tabular-nums select-none">
                      {line.after ?? line.before}
                    </td>
                    <td className={cx('w-px pr-1.5 select-none', looks[line.kind].signColor)}>
                      <span aria-hidden>{looks[line.kind].sign}</span>
                      {line.kind !== 'same' && (
                        <span className="sr-only">{line.kind === 'add' ? 'added' : 'removed'}</span>
                      )}
                    </td>
                    <td className="pr-3 whitespace-pre text-code">
                      {tokens === undefined
                        ? line.text || ' '
                        : tokens.map((token, at) => (
                            <span key={at} style={token.color === null ? undefined : { color: token.color }}>
                              {token.text}
                            </span>
                          ))}
                    </td>
                  </tr>
                </Fragment>
              );
            })}
          </tbody>
        </table>
      </div>
      {hidden > 0 && (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="target w-full border-t border-line px-3 py-1.5 text-left font-sans text-xs text-accent-text hover:bg-hover"
        >
          Show all {lines.length} lines
        </button>
      )}
    </div>
  );
};
