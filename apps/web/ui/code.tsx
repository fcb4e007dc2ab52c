'use client';
/** Code with colours that come when they are ready; the text is there at once and does not move. */
import { useEffect, useState } from 'react';

import { highlight, languageOf, type Token } from '../lib/highlight';
import { cx } from '../lib/cx';
import { CopyButton } from './copy-button';

const useHighlighted = (code: string, language: string | null, wait: boolean): Token[][] | null => {
  const [lines, setLines] = useState<{ code: string; tokens: Token[][] } | null>(null);
  useEffect(() => {
    if (language === null || wait) return;
    let over = false;
    highlight(code, language).then(
      (tokens) => !over && setLines({ code, tokens }),
      // A grammar that fails leaves the text plain.
      () => undefined,
    );
    return () => {
      over = true;
    };
  }, [code, language, wait]);
  return lines?.code === code ? lines.tokens : null;
};

/** The inside of a `pre`. */
export const CodeText = ({
  code,
  language,
  wait = false,
}: {
  code: string;
  language: string | null;
  wait?: boolean;
}) => {
  const lines = useHighlighted(code, language, wait);
  if (lines === null) return <code>{code}</code>;
  return (
    <code>
      {lines.map((line, index) => (
        <span key={index}>
          {line.map((token, at) => (
            <span key={at} style={token.color === null ? undefined : { color: token.color }}>
              {token.text}
            </span>
          ))}
          {index < lines.length - 1 && '\n'}
        </span>
      ))}
    </code>
  );
};

interface CodeBlockProps {
  code: string;
  /** The word after a fence, or a file's extension. */
  word: string;
  /** More of it is coming: colours wait. */
  open?: boolean;
  className?: string;
}

export const CodeBlock = ({ code, word, open = false, className }: CodeBlockProps) => (
  <figure className={cx('group/code my-3 overflow-hidden rounded-lg border border-line bg-sunken', className)}>
    <figcaption className="flex h-8 items-center justify-between border-b border-line pr-1.5 pl-3 text-xs text-muted">
      <span>{word === '' ? 'text' : word}</span>
      <CopyButton text={code} label="Copy code" />
    </figcaption>
    <pre tabIndex={0} className="max-h-120 overflow-auto px-3 py-2.5 text-xs leading-[19px] text-code">
      <CodeText code={code} language={languageOf(word)} wait={open} />
    </pre>
  </figure>
);
