'use client';
/** Markdown that a model wrote: no HTML, links of known schemes only, and no picture from elsewhere before it is asked for. */
import { isValidElement, memo, useState, type ComponentProps, type ReactNode } from 'react';
import { ImageIcon } from 'lucide-react';
import { defaultRemarkPlugins, Streamdown, type Components } from 'streamdown';

import { cx } from '../lib/cx';
import { CodeBlock } from './code';

const safe = /^(?:https?:|mailto:)/i;

const Link = ({ href, children }: ComponentProps<'a'>) =>
  href !== undefined && safe.test(href) ? (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="text-accent-text underline decoration-accent/40 underline-offset-2 hover:decoration-current"
    >
      {children}
    </a>
  ) : (
    <span>{children}</span>
  );

const Picture = ({ src, alt }: ComponentProps<'img'>) => {
  const [asked, setAsked] = useState(false);
  if (typeof src !== 'string' || !/^https?:/i.test(src)) return <span className="text-faint">{alt}</span>;
  if (asked)
    return <img src={src} alt={alt ?? ''} referrerPolicy="no-referrer" className="my-3 max-w-full rounded-lg" />;
  return (
    <button
      type="button"
      onClick={() => setAsked(true)}
      className="my-1 inline-flex items-center gap-2 rounded-md border border-line px-2 py-1 text-xs text-muted hover:bg-hover"
    >
      <ImageIcon size={14} aria-hidden />
      Load the picture from {new URL(src).host}
      {alt ? `: ${alt}` : ''}
    </button>
  );
};

const textOf = (node: ReactNode): string => {
  if (typeof node === 'string' || typeof node === 'number') return String(node);
  if (Array.isArray(node)) return node.map(textOf).join('');
  return isValidElement<{ children?: ReactNode }>(node) ? textOf(node.props.children) : '';
};

const Pre = ({ children }: ComponentProps<'pre'>) => {
  const props = isValidElement<{ className?: string; children?: ReactNode }>(children) ? children.props : {};
  const word = /language-(\S+)/.exec(props.className ?? '')?.[1] ?? '';
  return <CodeBlock code={textOf(children).replace(/\n$/, '')} word={word} />;
};

const InlineCode = ({ children }: ComponentProps<'code'>) => (
  <code className="rounded-sm bg-active px-1 py-px text-[0.88em] break-words">{children}</code>
);

const heading = (level: 'h3' | 'h4' | 'h5', look: string) => {
  const Heading = ({ children }: { children?: ReactNode }) => {
    const Tag = level;
    return <Tag className={cx('mt-5 mb-2 font-semibold tracking-tight first:mt-0', look)}>{children}</Tag>;
  };
  return Heading;
};

const components = {
  a: Link,
  img: Picture,
  pre: Pre,
  code: ({ children, className }: ComponentProps<'code'>) => <code className={className}>{children}</code>,
  inlineCode: InlineCode,
  // A turn has the heading above these.
  h1: heading('h3', 'text-lg'),
  h2: heading('h3', 'text-lg'),
  h3: heading('h4', 'text-base'),
  h4: heading('h5', 'text-base'),
  p: ({ children }: ComponentProps<'p'>) => <p className="my-2.5 first:mt-0 last:mb-0">{children}</p>,
  ul: ({ children }: ComponentProps<'ul'>) => (
    <ul className="my-2.5 list-disc space-y-1 pl-5 marker:text-faint">{children}</ul>
  ),
  ol: ({ children, start }: ComponentProps<'ol'>) => (
    <ol start={start} className="my-2.5 list-decimal space-y-1 pl-5 marker:text-faint">
      {children}
    </ol>
  ),
  li: ({ children }: ComponentProps<'li'>) => <li className="[&>p]:my-1">{children}</li>,
  strong: ({ children }: ComponentProps<'strong'>) => <strong className="font-semibold">{children}</strong>,
  blockquote: ({ children }: ComponentProps<'blockquote'>) => (
    <blockquote className="my-3 border-l-2 border-line-strong pl-3 text-muted">{children}</blockquote>
  ),
  hr: () => <hr className="my-5 border-line" />,
  table: ({ children }: ComponentProps<'table'>) => (
    <div tabIndex={0} role="group" aria-label="Table" className="my-3 overflow-x-auto rounded-lg border border-line">
      <table className="w-full text-sm">{children}</table>
    </div>
  ),
  th: ({ children }: ComponentProps<'th'>) => (
    <th className="border-b border-line bg-sunken px-3 py-1.5 text-left font-medium">{children}</th>
  ),
  td: ({ children }: ComponentProps<'td'>) => (
    <td className="border-b border-line px-3 py-1.5 align-top">{children}</td>
  ),
};

/** `open` text is still being written: unfinished syntax is shown as what it will be. */
export const Markdown = memo(({ text, open = false }: { text: string; open?: boolean }) => (
  <Streamdown
    mode={open ? 'streaming' : 'static'}
    parseIncompleteMarkdown={open}
    isAnimating={open}
    controls={false}
    linkSafety={{ enabled: false }}
    remarkPlugins={Object.values(defaultRemarkPlugins)}
    rehypePlugins={[]}
    components={components as Components}
    className="text-base break-words [&>*:first-child]:mt-0 [&>*:last-child]:mb-0"
  >
    {text}
  </Streamdown>
));
Markdown.displayName = 'Markdown';
