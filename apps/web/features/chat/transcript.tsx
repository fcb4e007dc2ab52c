'use client';
/** The windowed transcript: stored items, then what streams. It follows the end only while the reader is there. */
import {
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type MouseEvent,
  type ReactNode,
  type RefObject,
  type UIEvent,
} from 'react';
import { ArrowDown } from 'lucide-react';
import { Virtuoso, type VirtuosoHandle } from 'react-virtuoso';

import { useMe } from '../../lib/queries';
import { useSession, useSessionView } from '../../lib/session-context';
import { Button } from '../../ui/button';
import type { Item } from './item';
import { createItemFolder } from './items';
import {
  InterruptedView,
  LiveView,
  MessageView,
  type OnFork,
  NoteView,
  SentView,
  TextView,
  ThinkingView,
  TurnEndView,
} from './message-views';
import type { RewindRequest } from './rewind-words';
import { RewoundView } from './rewound-view';
import { tailRows, type Row } from './tail';
import { ToolsView } from './tool-views';
import { WorkingLine } from './working-line';

const RewindDialog = lazy(async () => ({ default: (await import('./rewind-dialog')).RewindDialog }));

/** Where the list begins to count, so that older items can be put before it. */
const firstIndexAtStart = 1_000_000;

/** So near to the end counts as the end. */
const atEndPx = 48;
/** Until what was unfolded has its size. */
const unfoldMs = 300;

interface RowContext {
  items: readonly Item[];
  me: string;
  offline: boolean;
  onRetry: (id: string) => void;
  onTakeBack: (id: string) => void;
  /** Null while nothing can be rewound. */
  onRewind: ((request: RewindRequest) => void) | null;
  onFork: OnFork | null;
}

const RowView = ({ row, context }: { row: Row; context: RowContext }): ReactNode => {
  switch (row.kind) {
    case 'message':
      return <MessageView item={row} onRewind={context.onRewind} onFork={context.onFork} />;
    case 'rewound':
      return (
        <RewoundView
          item={row}
          onRewind={context.onRewind}
          renderItem={(item) => <RowView row={item} context={{ ...context, onRewind: null, onFork: null }} />}
        />
      );
    case 'text':
      return <TextView item={row} />;
    case 'thinking':
      return <ThinkingView id={row.key.replace(/^block:/, '')} text={row.text} />;
    case 'interrupted':
      return <InterruptedView item={row} />;
    case 'tools':
      return <ToolsView item={row} />;
    case 'turn-end':
      return <TurnEndView item={row} />;
    case 'note':
      return <NoteView item={row} />;
    case 'live':
      return <LiveView block={row.block} />;
    case 'sent':
      return (
        <SentView
          row={row}
          author={context.me}
          offline={context.offline}
          onRetry={context.onRetry}
          onTakeBack={context.onTakeBack}
        />
      );
    case 'working':
      return <WorkingLine items={context.items} />;
  }
};

export const useItems = (): readonly Item[] => {
  const events = useSessionView(({ log }) => log.events);
  const [folder] = useState(createItemFolder);
  return useMemo(() => folder.fold(events), [folder, events]);
};

/** How many items older history has put before those of the first load. */
const useFirstIndex = (items: readonly Item[], firstSeq: number): number => {
  const [seen, setSeen] = useState({ firstSeq, length: items.length, index: firstIndexAtStart });
  let { index } = seen;
  if (firstSeq !== seen.firstSeq || items.length !== seen.length) {
    const older = firstSeq < seen.firstSeq && seen.firstSeq !== 0;
    index = older
      ? seen.index - (items.length - seen.length)
      : firstSeq > seen.firstSeq
        ? firstIndexAtStart
        : seen.index;
    setSeen({ firstSeq, length: items.length, index });
  }
  return index;
};

/**
 * Keeps the end in view while the reader is there, whatever grows or shrinks: text, cards, the composer.
 * Only a person's scrolling up ends it; reaching the end again takes it up.
 */
/** How long after a hand's last sign what scrolls is its doing. */
const handMs = 600;

const useFollowing = (list: RefObject<VirtuosoHandle | null>, setAway: (away: boolean) => void) => {
  const following = useRef(true);
  const last = useRef({ top: 0, height: 0, view: 0 });
  const toEnd = useCallback(() => {
    following.current = true;
    list.current?.scrollTo({ top: Number.MAX_SAFE_INTEGER });
  }, [list]);
  const scroller = useRef<HTMLElement | null>(null);
  // At the end already there is nothing to do: scrolling there again makes the list measure itself again, without an end.
  const follow = useCallback(() => {
    const element = scroller.current;
    if (!following.current || element === null) return;
    if (element.scrollHeight - element.scrollTop - element.clientHeight <= 1) return;
    list.current?.scrollTo({ top: Number.MAX_SAFE_INTEGER });
  }, [list]);
  const touchedAtMs = useRef(-Infinity);
  const onScroll = useCallback(({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: UIEvent<HTMLElement>) => {
    const { top, height, view } = last.current;
    // Where the size changed, the browser moved it; where no hand was on it for a while, the list itself did.
    const isTouched = performance.now() - touchedAtMs.current < handMs;
    const byPerson = isTouched && height === scrollHeight && view === clientHeight;
    // What a hand set in motion goes on for a while without it.
    if (byPerson) touchedAtMs.current = performance.now();
    if (byPerson && scrollTop < top - 1) following.current = false;
    if (byPerson && scrollHeight - scrollTop - clientHeight < 8) following.current = true;
    last.current = { top: scrollTop, height: scrollHeight, view: clientHeight };
  }, []);
  const onAtEnd = useCallback(
    (atEnd: boolean) => {
      if (!atEnd && following.current) follow();
      else setAway(!atEnd);
    },
    [follow, setAway],
  );
  // The view itself shrinks when something comes above or below it.
  const observer = useRef<ResizeObserver | null>(null);
  const scrollerRef = useCallback(
    (element: HTMLElement | Window | null) => {
      observer.current?.disconnect();
      if (!(element instanceof HTMLElement)) return;
      observer.current = new ResizeObserver(follow);
      observer.current.observe(element);
      scroller.current = element;
      const touched = (): void => {
        touchedAtMs.current = performance.now();
      };
      for (const type of ['wheel', 'touchmove', 'keydown', 'pointerdown'])
        element.addEventListener(type, touched, { passive: true });
    },
    [follow],
  );
  // Who unfolds something wants to read it from its beginning.
  const onClickCapture = useCallback(({ target }: MouseEvent) => {
    if (!(target instanceof Element) || target.closest('[aria-expanded="false"]') === null) return;
    following.current = false;
    setTimeout(() => {
      const element = scroller.current;
      if (element !== null && element.scrollHeight - element.scrollTop - element.clientHeight < atEndPx)
        following.current = true;
    }, unfoldMs);
  }, []);
  return { toEnd, follow, onScroll, onAtEnd, scrollerRef, onClickCapture };
};

const Older = () => {
  const { store } = useSession();
  const older = useSessionView((view) => view.older);
  const more = useSessionView(({ log }) => (log.events[0]?.seq ?? 0) > Math.max(1, log.first));
  if (!more) return <div className="h-4" />;
  return (
    <div className="flex h-12 items-center justify-center text-xs text-faint">
      {older === 'failed' ? (
        <Button size="sm" variant="ghost" onClick={() => void store.loadOlder()}>
          Earlier messages could not be loaded. Try again
        </Button>
      ) : (
        'Loading earlier messages…'
      )}
    </div>
  );
};

const renderRow = (_index: number, row: Row, context: RowContext): ReactNode => (
  <div className="mx-auto max-w-190 px-4 md:px-6">
    <RowView row={row} context={context} />
  </div>
);

const components = { Header: Older, Footer: () => <div className="h-4" /> };

interface TranscriptProps {
  empty: ReactNode;
  /** A rewind is on its way; `message` is what it takes out of the conversation. */
  onRewindAsked: (rewindId: string, message: string | null) => void;
  onFork: OnFork;
}

export const Transcript = ({ empty, onRewindAsked, onFork }: TranscriptProps) => {
  const { store, can } = useSession();
  const items = useItems();
  const state = useSessionView(({ log }) => log.state);
  const blocks = useSessionView(({ log }) => log.blocks);
  const outbox = useSessionView((view) => view.outbox);
  const loaded = useSessionView(({ log }) => log.loaded);
  const offline = useSessionView(({ sync }) => sync === 'offline');
  const firstSeq = useSessionView(({ log }) => log.events[0]?.seq ?? 0);
  const { data } = useMe();
  const list = useRef<VirtuosoHandle>(null);
  const [away, setAway] = useState(false);
  const rows = useMemo<Row[]>(() => [...items, ...tailRows(state, blocks, outbox)], [items, state, blocks, outbox]);
  const firstItemIndex = useFirstIndex(items, firstSeq);
  const [rewind, setRewind] = useState<RewindRequest | null>(null);
  // A fork that has not its files yet has nothing to go back to.
  const isHere = state.wanted === 'running' && state.fork?.isFilled !== false;
  const canRewind = can('session.rewind') && state.turn === null && state.rewinding === null && isHere;
  const canFork = can('session.fork') && isHere;
  const context = useMemo<RowContext>(
    () => ({
      items,
      me: data?.user.name ?? 'You',
      onRetry: store.retry,
      offline,
      onTakeBack: store.takeBack,
      onRewind: canRewind ? setRewind : null,
      onFork: canFork ? onFork : null,
    }),
    [items, data, store, offline, canRewind, canFork, onFork],
  );

  const { toEnd, follow, onScroll, onAtEnd, scrollerRef, onClickCapture } = useFollowing(list, setAway);
  // Sending something is a wish to see what comes of it.
  const sent = outbox.length;
  const before = useRef(sent);
  useEffect(() => {
    if (sent > before.current) toEnd();
    before.current = sent;
  }, [sent, toEnd]);

  if (!loaded) return <TranscriptSkeleton />;
  const spoken = rows.some(({ kind }) => kind !== 'note');
  if (!spoken) return <div className="min-h-0 flex-1 overflow-y-auto">{empty}</div>;
  return (
    <div className="relative min-h-0 flex-1">
      <Virtuoso
        ref={list}
        data={rows}
        context={context}
        firstItemIndex={firstItemIndex}
        initialTopMostItemIndex={{ index: 'LAST', align: 'end' }}
        computeItemKey={(_, row) => row.key}
        itemContent={renderRow}
        components={components}
        atBottomThreshold={atEndPx}
        atBottomStateChange={onAtEnd}
        totalListHeightChanged={follow}
        onScroll={onScroll}
        scrollerRef={scrollerRef}
        onClickCapture={onClickCapture}
        startReached={() => void store.loadOlder()}
        increaseViewportBy={{ top: 800, bottom: 400 }}
        role="log"
        aria-live="off"
        aria-label="Conversation"
        tabIndex={0}
        className="h-full"
      />
      {rewind !== null && (
        <Suspense fallback={null}>
          <RewindDialog request={rewind} onClose={() => setRewind(null)} onAsked={onRewindAsked} />
        </Suspense>
      )}
      {state.rewinding !== null && (
        <p
          role="status"
          className="absolute inset-x-0 bottom-3 mx-auto w-fit rounded-full border border-line bg-raised px-3 py-1 text-xs shadow-(--shadow)"
        >
          {state.rewinding.by.name} is rewinding…
        </p>
      )}
      {away && (
        <div className="pointer-events-none absolute inset-x-0 bottom-3 flex justify-center">
          <Button
            size="sm"
            className="animate-rise pointer-events-auto rounded-full! shadow-(--shadow)"
            icon={<ArrowDown size={14} aria-hidden />}
            onClick={toEnd}
          >
            {state.turn === null ? 'To the end' : 'New messages'}
          </Button>
        </div>
      )}
    </div>
  );
};

const TranscriptSkeleton = () => (
  <div aria-busy="true" className="min-h-0 flex-1 overflow-hidden">
    <span className="sr-only">Loading the conversation</span>
    <div className="mx-auto max-w-190 px-4 pt-10 md:px-6">
      <div className="skeleton mb-2 h-3.5 w-20" />
      <div className="skeleton h-11 w-full rounded-lg!" />
      <div className="mt-6 space-y-2.5">
        <div className="skeleton h-3.5 w-11/12" />
        <div className="skeleton h-3.5 w-10/12" />
        <div className="skeleton h-3.5 w-7/12" />
      </div>
      <div className="skeleton mt-5 h-9 w-full rounded-lg!" />
      <div className="skeleton mt-px h-9 w-full rounded-lg!" />
    </div>
  </div>
);
