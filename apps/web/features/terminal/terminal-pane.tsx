'use client';
/** The terminals of the session around. Which there are is the session's state; this pane shows, opens, names and closes them. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import { EllipsisVertical, Search, SquareTerminal } from 'lucide-react';
import {
  shownStatusOf,
  shownWords,
  type ShownStatus,
  type TerminalId,
  type TerminalRequest,
} from '@remote-claude/contract';

import { newUuid } from '../../lib/ids';
import { useSession, useSessionView } from '../../lib/session-context';
import { recallText, remember } from '../../lib/storage';
import { Button, IconButton } from '../../ui/button';
import { Confirm } from '../../ui/confirm';
import { Empty } from '../../ui/empty';
import { Menu, MenuChoices, MenuItem, MenuLine } from '../../ui/menu';
import { fontSizes, useTerminalPreferences } from './preferences';
import { nextName, shownTabs, type Opening } from './tabs';
import { TerminalTabs } from './terminal-tabs';
import { TerminalView } from './terminal-view';

const chosenKey = (sessionId: string): string => `terminal.${sessionId}`;

/** Sessions whose first terminal this page has opened by itself: closing the last one leaves it at none. */
const openedFor = new Set<string>();

const useTerminals = () => {
  const { id, socket, can } = useSession();
  const { send } = socket;
  const terminals = useSessionView(({ log }) => log.state.terminals);
  const [openings, setOpenings] = useState<readonly Opening[]>([]);
  const [chosen, setChosen] = useState<TerminalId | null>(() => recallText(chosenKey(id)) as TerminalId);
  /** The one to which a person has just turned: it takes the focus when it is there. */
  const [focused, setFocused] = useState<TerminalId | null>(null);
  const onFocused = useCallback(() => setFocused(null), []);
  const choose = (terminalId: TerminalId, focus = true): void => {
    setChosen(terminalId);
    remember(chosenKey(id), terminalId);
    if (focus) setFocused(terminalId);
  };
  const tabs = useMemo(() => shownTabs(terminals, openings), [terminals, openings]);
  const active = tabs.find(({ terminalId }) => terminalId === chosen)?.terminalId ?? tabs.at(-1)?.terminalId ?? null;
  // Once the session knows it, only the session says whether it is still there.
  useEffect(() => {
    setOpenings((before) => {
      const left = before.filter((opening) => !terminals.some(({ terminalId }) => terminalId === opening.terminalId));
      return left.length === before.length ? before : left;
    });
  }, [terminals]);
  const ask = (payload: TerminalRequest): boolean => send({ id: newUuid(), type: 'terminal', payload });
  return {
    sessionId: id,
    terminals,
    tabs,
    active,
    writable: can('session.terminal.write'),
    focused,
    onFocused,
    choose,
    open: (focus = true): void => {
      const terminalId = newUuid() as TerminalId;
      setOpenings((before) => [...before, { terminalId, name: nextName(tabs.map(({ name }) => name)) }]);
      choose(terminalId, focus);
    },
    rename: (terminalId: TerminalId, name: string): void => void ask({ action: 'rename', terminalId, name }),
    close: (terminalId: TerminalId): void => {
      setOpenings((before) => before.filter((opening) => opening.terminalId !== terminalId));
      ask({ action: 'destroy', terminalId });
    },
  };
};

const Options = ({ onFind }: { onFind: () => void }) => {
  const { fontSize, screenReader, change } = useTerminalPreferences();
  return (
    <Menu
      trigger={
        <IconButton label="Terminal options">
          <EllipsisVertical size={15} aria-hidden />
        </IconButton>
      }
    >
      <MenuItem icon={<Search size={14} aria-hidden />} keys="Mod+Shift+F" onSelect={onFind}>
        Find
      </MenuItem>
      <MenuLine />
      <MenuChoices
        label="Text size"
        value={String(fontSize)}
        choices={[11, 12, 13, 14, 16, 18].map((size) => ({
          value: String(size),
          label: size === fontSizes.usual ? `${size} (usual)` : String(size),
        }))}
        onChoose={(size) => change({ fontSize: Number(size) })}
      />
      <MenuLine />
      <MenuChoices
        label="Screen reader"
        value={screenReader ? 'on' : 'off'}
        choices={[
          { value: 'off', label: 'Off' },
          { value: 'on', label: 'On', hint: 'The screen is kept as text that a screen reader can walk through.' },
        ]}
        onChoose={(value) => change({ screenReader: value === 'on' })}
      />
    </Menu>
  );
};

const NotRunning = ({ shown }: { shown: ShownStatus }) => (
  <Empty icon={<SquareTerminal size={18} aria-hidden />} title="No terminal right now">
    {shown === 'terminated'
      ? 'This session has ended, and its terminals with it.'
      : `The session is not running (${shownWords[shown].toLowerCase()}). Terminals open when it runs.`}
  </Empty>
);

export const TerminalPane = () => {
  const view = useTerminals();
  const { sessionId, terminals, tabs, active, writable, open } = view;
  const loaded = useSessionView(({ log }) => log.loaded);
  const status = useSessionView(({ log }) => shownStatusOf(log.state));
  const running = useSessionView(({ log }) => log.state.place.status === 'running');
  const { fontSize, screenReader, load } = useTerminalPreferences();
  const look = useMemo(() => ({ fontSize, screenReader }), [fontSize, screenReader]);
  const [finding, setFinding] = useState(false);
  const [closing, setClosing] = useState<TerminalId | null>(null);
  /** A terminal is attached when it is first looked at, and stays so. */
  const [visited, setVisited] = useState<ReadonlySet<TerminalId>>(new Set());
  useEffect(load, [load]);

  useEffect(() => {
    if (!loaded || !running || openedFor.has(sessionId)) return;
    openedFor.add(sessionId);
    if (writable && tabs.length === 0) open(false);
  }, [loaded, running, writable, sessionId, tabs.length, open]);
  useEffect(() => {
    if (active !== null) setVisited((before) => (before.has(active) ? before : new Set(before).add(active)));
  }, [active]);

  const close = (terminalId: TerminalId): void => {
    const tab = tabs.find((other) => other.terminalId === terminalId);
    if (tab?.ended === false) setClosing(terminalId);
    else view.close(terminalId);
  };
  const known = useMemo(() => new Map(terminals.map((terminal) => [terminal.terminalId, terminal])), [terminals]);

  return (
    <div className="flex h-full min-h-0 flex-col bg-surface">
      <div className="flex h-9 shrink-0 items-center border-b border-line bg-bg pr-1">
        <TerminalTabs
          tabs={tabs}
          active={active}
          writable={writable && running}
          onChoose={view.choose}
          onRename={view.rename}
          onClose={close}
          onNew={() => open()}
        />
        {active !== null && <Options onFind={() => setFinding(true)} />}
      </div>
      {tabs.map((tab) =>
        visited.has(tab.terminalId) ? (
          <TerminalView
            key={tab.terminalId}
            terminalId={tab.terminalId}
            name={tab.name}
            known={known.get(tab.terminalId) ?? null}
            seen={tab.terminalId === active}
            focused={tab.terminalId === view.focused}
            onFocused={view.onFocused}
            writable={writable}
            look={look}
            finding={finding}
            onFinding={setFinding}
          />
        ) : null,
      )}
      {tabs.length === 0 && loaded && !running && <NotRunning shown={status} />}
      {tabs.length === 0 && loaded && running && (
        <Empty
          icon={<SquareTerminal size={18} aria-hidden />}
          title="No terminal is open"
          action={
            writable && (
              <Button variant="primary" onClick={() => open()}>
                New terminal
              </Button>
            )
          }
        >
          {writable
            ? 'A shell in this session, which goes on when you close the page.'
            : 'You may watch terminals here; nobody has opened one.'}
        </Empty>
      )}
      <Confirm
        open={closing !== null}
        onOpenChange={(isOpen) => !isOpen && setClosing(null)}
        title="Close this terminal?"
        body="What runs in it is ended, and its screen is gone."
        action="End and close"
        dangerous
        onConfirm={async () => {
          if (closing !== null) view.close(closing);
          await Promise.resolve();
        }}
      />
    </div>
  );
};
