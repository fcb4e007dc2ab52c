'use client';
/** The panes of a session beside its chat: opened, resized, remembered. It does not know what a pane shows. */
import { useMemo, type ReactNode } from 'react';
import { Group, Panel, Separator, type Layout } from 'react-resizable-panels';
import { X } from 'lucide-react';

import { usePanes, type PaneId } from '../../lib/panes';
import { recall, remember } from '../../lib/storage';
import { IconButton } from '../../ui/button';

export interface Pane {
  id: PaneId;
  title: string;
  icon: ReactNode;
  keys?: string;
  content: ReactNode;
}

/** Sizes of one group as they were left, by the panels that it had. */
const useLayout = (name: string, panels: readonly string[]) => {
  const key = `layout.${name}.${panels.join('+')}`;
  const stored = useMemo(() => recall(key), [key]);
  const valid =
    typeof stored === 'object' && stored !== null && panels.every((id) => typeof (stored as Layout)[id] === 'number');
  return {
    ...(valid ? { defaultLayout: stored as Layout } : {}),
    onLayoutChanged: (layout: Layout) => remember(key, layout),
  };
};

const Bar = ({ vertical = false }: { vertical?: boolean }) => (
  <Separator
    className={`relative shrink-0 bg-line outline-none transition-colors duration-100 hover:bg-accent focus-visible:bg-accent data-[separator=active]:bg-accent ${vertical ? 'h-px' : 'w-px'}`}
  />
);

const PaneFrame = ({ pane }: { pane: Pane }) => {
  const toggle = usePanes((panes) => panes.toggle);
  return (
    <section
      aria-label={pane.title}
      data-pane={pane.id}
      tabIndex={-1}
      className="flex h-full min-h-0 min-w-0 flex-col bg-surface outline-none"
    >
      <header className="flex h-8 shrink-0 items-center gap-2 border-b border-line pr-1 pl-3 text-xs font-medium text-muted">
        {pane.icon}
        <h2 className="flex-1">{pane.title}</h2>
        <IconButton size="sm" label={`Close ${pane.title.toLowerCase()}`} onClick={() => toggle(pane.id)}>
          <X size={14} aria-hidden />
        </IconButton>
      </header>
      <div className="min-h-0 flex-1">{pane.content}</div>
    </section>
  );
};

/** Panes side by side, in the order in which they come. */
const Beside = ({ panes }: { panes: readonly Pane[] }) => {
  const layout = useLayout(
    'beside',
    panes.map(({ id }) => id),
  );
  const [first, second] = panes;
  if (first === undefined) return null;
  if (second === undefined) return <PaneFrame pane={first} />;
  return (
    <Group orientation="horizontal" {...layout}>
      <Panel id={first.id} defaultSize="34%" minSize="140px">
        <PaneFrame pane={first} />
      </Panel>
      <Bar />
      <Panel id={second.id} minSize="220px">
        <PaneFrame pane={second} />
      </Panel>
    </Group>
  );
};

const Right = ({ above, below }: { above: readonly Pane[]; below: Pane | undefined }) => {
  const layout = useLayout('right', ['above', 'below']);
  const beside = <Beside key={above.map(({ id }) => id).join()} panes={above} />;
  if (below === undefined) return beside;
  if (above.length === 0) return <PaneFrame pane={below} />;
  return (
    <Group orientation="vertical" {...layout}>
      <Panel id="above" minSize="120px">
        {beside}
      </Panel>
      <Bar vertical />
      <Panel id="below" defaultSize="40%" minSize="100px">
        <PaneFrame pane={below} />
      </Panel>
    </Group>
  );
};

/** On a wide window: the chat, and to its right files and editor above the terminal. */
export const Workbench = ({ chat, panes }: { chat: ReactNode; panes: readonly Pane[] }) => {
  const open = usePanes((state) => state.open);
  const shown = panes.filter(({ id }) => open[id]);
  const above = shown.filter(({ id }) => id !== 'terminal');
  const below = shown.find(({ id }) => id === 'terminal');
  const shape = shown.length === 0 ? 'chat' : open.editor || open.terminal ? 'wide' : 'slim';
  const layout = useLayout(shape, shape === 'chat' ? ['chat'] : ['chat', 'right']);
  return (
    <Group key={shape} orientation="horizontal" className="min-h-0 flex-1" {...layout}>
      <Panel id="chat" minSize="340px">
        {chat}
      </Panel>
      {shown.length > 0 && <Bar />}
      {shown.length > 0 && (
        <Panel
          id="right"
          defaultSize={shape === 'wide' ? '52%' : '300px'}
          minSize={shape === 'wide' ? '380px' : '200px'}
        >
          <Right key={below === undefined ? 'one' : 'two'} above={above} below={below} />
        </Panel>
      )}
    </Group>
  );
};

export const PaneToggles = ({ panes }: { panes: readonly Pane[] }) => {
  const open = usePanes((state) => state.open);
  const toggle = usePanes((state) => state.toggle);
  return (
    <span className="flex items-center gap-0.5 max-md:hidden" role="group" aria-label="Panes">
      {panes.map(({ id, title, icon, keys }) => (
        <IconButton
          key={id}
          label={title}
          {...(keys === undefined ? {} : { keys })}
          pressed={open[id]}
          onClick={() => toggle(id)}
        >
          {icon}
        </IconButton>
      ))}
    </span>
  );
};
