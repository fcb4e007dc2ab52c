'use client';
/** The rows of a tree: windowed, walked by keyboard, dragged and dropped. What is done with a row is the caller's. */
import { useEffect, useRef, type DragEvent, type KeyboardEvent, type MouseEvent } from 'react';
import { ChevronRight, Ellipsis } from 'lucide-react';
import { Virtuoso, type VirtuosoHandle } from 'react-virtuoso';
import type { FileNode } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { visibleName } from '../../lib/open-files';
import { FileIcon } from './file-icon';
import { NameField } from './row-name';
import { findByPrefix, liesIn, moveBy, parentOf, type NodeRow, type Row, type WordRow } from './tree';

/** Something new that is being named, at the top of a folder. */
export interface NewRow {
  kind: 'new';
  what: 'file' | 'folder';
  /** The folder in which it will be. */
  path: string;
  level: number;
}
export type ShownRow = Row | NewRow;

export interface TreeViewProps {
  rows: readonly ShownRow[];
  active: string | null;
  /** The file that the editor shows. */
  opened: string | null;
  renaming: string | null;
  dropInto: string | null;
  writable: boolean;
  onActive: (path: string) => void;
  onToggle: (path: string, open: boolean) => void;
  onOpen: (node: FileNode) => void;
  onRetry: (path: string) => void;
  onNamed: (row: NodeRow | NewRow, name: string | null) => void;
  onRename: (path: string) => void;
  onDelete: (node: FileNode) => void;
  onMenu: (node: FileNode | null, at: { x: number; y: number }) => void;
  onDragInto: (folder: string | null) => void;
  onDrop: (folder: string, data: DataTransfer) => void;
}

export const pathType = 'application/x-remote-claude-path';
const pageRows = 20;
const rowId = (index: number): string => `file-row-${index}`;
const keyOf = (row: ShownRow): string => `${row.kind}:${row.path}`;
const indent = (level: number): string => `${8 + (level - 1) * 14}px`;

const Guides = ({ level }: { level: number }) => (
  <span aria-hidden className="pointer-events-none absolute inset-y-0 left-0">
    {Array.from({ length: level - 1 }, (_, depth) => (
      <span key={depth} className="absolute inset-y-0 w-px bg-line" style={{ left: `${15 + depth * 14}px` }} />
    ))}
  </span>
);

const words = { loading: 'Reading…', failed: '', empty: 'Empty' } as const;

const WordLine = ({ row, onRetry }: { row: WordRow; onRetry: (path: string) => void }) => (
  <div
    role="treeitem"
    aria-level={row.level}
    aria-selected={false}
    tabIndex={-1}
    className="relative flex h-7 items-center gap-2 pr-2 text-xs text-faint pointer-coarse:h-11"
    style={{ paddingLeft: `calc(${indent(row.level)} + 18px)` }}
  >
    <Guides level={row.level} />
    {row.kind === 'failed' ? (
      <>
        <span className="truncate text-danger" title={row.error ?? ''}>
          {row.error}
        </span>
        <button type="button" onClick={() => onRetry(row.path)} className="shrink-0 text-accent-text hover:underline">
          Try again
        </button>
      </>
    ) : (
      words[row.kind]
    )}
  </div>
);

const NewLine = ({ row, onNamed }: { row: NewRow; onNamed: TreeViewProps['onNamed'] }) => (
  <div
    role="treeitem"
    aria-label={`New ${row.what}`}
    aria-level={row.level}
    aria-selected={false}
    tabIndex={-1}
    className="relative flex h-7 items-center gap-1.5 pr-2 pointer-coarse:h-11"
    style={{ paddingLeft: `calc(${indent(row.level)} + 18px)` }}
  >
    <Guides level={row.level} />
    <FileIcon node={{ kind: row.what, name: '' }} />
    <NameField
      label={row.what === 'file' ? 'Name of the new file' : 'Name of the new folder'}
      initial=""
      onDone={(name) => onNamed(row, name)}
    />
  </div>
);

const NodeLine = ({ index, row, view }: { index: number; row: NodeRow; view: TreeViewProps }) => {
  const { node, path, level, expanded } = row;
  const folder = node.kind === 'folder';
  const active = view.active === path;
  const named = visibleName(node.name);
  const target = folder ? path : parentOf(path);
  const over = (event: DragEvent): void => {
    if (!view.writable) return;
    event.preventDefault();
    event.stopPropagation();
    view.onDragInto(target);
  };
  return (
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events -- the tree has the focus, and takes the keys
    <div
      id={rowId(index)}
      role="treeitem"
      tabIndex={-1}
      aria-label={named}
      aria-level={level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-selected={active}
      aria-expanded={folder ? expanded : undefined}
      aria-current={view.opened === path ? 'true' : undefined}
      title={node.target === null ? named : `${named} → ${visibleName(node.target)}`}
      draggable={view.writable && view.renaming !== path}
      onDragStart={(event) => event.dataTransfer.setData(pathType, path)}
      onDragOver={over}
      onDragEnter={over}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        view.onDrop(target, event.dataTransfer);
      }}
      onClick={() => {
        view.onActive(path);
        if (folder) view.onToggle(path, !expanded);
        else view.onOpen(node);
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        event.stopPropagation();
        view.onActive(path);
        view.onMenu(node, { x: event.clientX, y: event.clientY });
      }}
      className={cx(
        'group/row relative flex h-7 cursor-pointer items-center gap-1.5 pr-1.5 text-sm outline-none select-none pointer-coarse:h-11',
        active ? 'bg-active group-focus/tree:bg-accent-soft' : 'hover:bg-hover',
        view.dropInto !== null && liesIn(path, view.dropInto) && view.dropInto !== '' && 'bg-accent-soft!',
        view.opened === path ? 'text-text' : 'text-muted',
      )}
      style={{ paddingLeft: indent(level) }}
    >
      <Guides level={level} />
      <ChevronRight
        size={13}
        aria-hidden
        className={cx(
          'shrink-0 text-faint transition-transform duration-100',
          expanded && 'rotate-90',
          !folder && 'invisible',
        )}
      />
      <FileIcon node={node} open={expanded} />
      {view.renaming === path ? (
        <NameField label={`New name of ${named}`} initial={node.name} onDone={(name) => view.onNamed(row, name)} />
      ) : (
        <>
          <span className={cx('min-w-0 flex-1 truncate', view.opened === path && 'font-medium')}>{named}</span>
          <button
            type="button"
            tabIndex={-1}
            aria-hidden
            onClick={(event: MouseEvent<HTMLButtonElement>) => {
              event.stopPropagation();
              const { left, bottom } = event.currentTarget.getBoundingClientRect();
              view.onActive(path);
              view.onMenu(node, { x: left, y: bottom + 2 });
            }}
            className={cx(
              'grid size-5 shrink-0 place-items-center rounded-sm text-muted hover:bg-active pointer-coarse:size-9',
              !active && 'opacity-0 group-hover/row:opacity-100 pointer-coarse:opacity-100',
            )}
          >
            <Ellipsis size={14} aria-hidden />
          </button>
        </>
      )}
    </div>
  );
};

const Line = (index: number, row: ShownRow, view: TreeViewProps) => {
  if (row.kind === 'node') return <NodeLine index={index} row={row} view={view} />;
  if (row.kind === 'new') return <NewLine row={row} onNamed={view.onNamed} />;
  return <WordLine row={row} onRetry={view.onRetry} />;
};

/** What a key does to the active row beyond moving. */
const actOnKey = (event: KeyboardEvent, row: NodeRow, view: TreeViewProps): boolean => {
  const folder = row.node.kind === 'folder';
  switch (event.key) {
    case 'ArrowRight':
      if (folder && !row.expanded) view.onToggle(row.path, true);
      return true;
    case 'ArrowLeft':
      if (folder && row.expanded) view.onToggle(row.path, false);
      else if (parentOf(row.path) !== '') view.onActive(parentOf(row.path));
      return true;
    case 'Enter':
    case ' ':
      if (folder) view.onToggle(row.path, !row.expanded);
      else view.onOpen(row.node);
      return true;
    case 'F2':
      if (view.writable) view.onRename(row.path);
      return true;
    case 'Delete':
      if (view.writable) view.onDelete(row.node);
      return true;
    default:
      return false;
  }
};

const useTypeAhead = () => {
  const typed = useRef({ text: '', at: 0 });
  return (key: string): string => {
    const now = Date.now();
    const { text, at } = typed.current;
    typed.current = { text: now - at > 800 ? key : text + key, at: now };
    return typed.current.text;
  };
};

export const TreeView = (view: TreeViewProps) => {
  const { rows, active, onActive, onMenu } = view;
  const list = useRef<VirtuosoHandle>(null);
  const typeAhead = useTypeAhead();
  const at = active === null ? -1 : rows.findIndex((row) => row.kind === 'node' && row.path === active);
  const row = rows[at];
  useEffect(() => {
    if (at >= 0) list.current?.scrollIntoView({ index: at, behavior: 'auto' });
    // Only a move of the person scrolls; rows that come and go above do not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [active]);

  const goTo = (index: number): void => {
    const step = index >= at ? 1 : -1;
    for (let next = index; next >= 0 && next < rows.length; next += step) {
      const found = rows[next];
      if (found?.kind === 'node') return onActive(found.path);
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const plain = rows.filter((shown): shown is Row => shown.kind !== 'new');
    if (row?.kind === 'node' && actOnKey(event, row, view)) return event.preventDefault();
    const next = moveBy(plain, at, event.key, pageRows);
    if (next !== null) {
      event.preventDefault();
      return goTo(next);
    }
    if ((event.key === 'F10' && event.shiftKey) || event.key === 'ContextMenu') {
      event.preventDefault();
      const line = document.getElementById(rowId(at))?.getBoundingClientRect();
      return onMenu(row?.kind === 'node' ? row.node : null, { x: (line?.left ?? 0) + 24, y: line?.bottom ?? 0 });
    }
    if (event.key.length === 1 && !event.shiftKey) {
      const text = typeAhead(event.key);
      const found = findByPrefix(plain, Math.max(0, text.length === 1 ? at + 1 : at), text);
      if (found !== null) goTo(found);
    }
  };

  return (
    <Virtuoso<ShownRow, TreeViewProps>
      ref={list}
      role="tree"
      tabIndex={0}
      aria-label="Files"
      aria-activedescendant={row?.kind === 'node' ? rowId(at) : undefined}
      data-pane-focus
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        if (event.target === event.currentTarget && at < 0) goTo(0);
      }}
      data={rows}
      context={view}
      computeItemKey={(_index, shown) => keyOf(shown)}
      itemContent={Line}
      increaseViewportBy={200}
      className="group/tree h-full outline-none focus-visible:outline-2 focus-visible:-outline-offset-2"
    />
  );
};
