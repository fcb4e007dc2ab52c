/** The open files in a row: choose and close. A dot, and a word for those who do not see it, says what is not saved. */
import { X } from 'lucide-react';

import { cx } from '../../lib/cx';
import { visibleName } from '../../lib/open-files';
import { Tip } from '../../ui/tip';

export interface FileTab {
  path: string;
  dirty: boolean;
  conflict: boolean;
}

interface FileTabsProps {
  tabs: readonly FileTab[];
  active: string | null;
  onChoose: (path: string) => void;
  onClose: (path: string) => void;
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The folder beside the name where two open files have the same. */
const tabNames = (paths: readonly string[]): ReadonlyMap<string, { name: string; folder: string | null }> => {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(nameOf(path), (counts.get(nameOf(path)) ?? 0) + 1);
  return new Map(
    paths.map((path) => {
      const name = nameOf(path);
      const folder = path.slice(0, Math.max(0, path.length - name.length - 1));
      return [path, { name, folder: (counts.get(name) ?? 0) > 1 ? folder || '/' : null }];
    }),
  );
};

const Tab = ({
  tab,
  current,
  names,
  onChoose,
  onClose,
}: { tab: FileTab; current: boolean; names: { name: string; folder: string | null } } & Pick<
  FileTabsProps,
  'onChoose' | 'onClose'
>) => {
  const name = visibleName(names.name);
  const mark = tab.conflict ? 'conflict' : tab.dirty ? 'not saved' : null;
  return (
    <li
      ref={(line) => {
        if (current) line?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      }}
      className={cx(
        'group/tab relative flex h-9 shrink-0 items-center border-r border-line pr-1 pl-3',
        current
          ? 'bg-surface text-text after:absolute after:inset-x-0 after:top-0 after:h-0.5 after:bg-accent'
          : 'text-muted hover:bg-hover',
      )}
    >
      <button
        type="button"
        aria-current={current ? 'true' : undefined}
        title={visibleName(tab.path)}
        onClick={() => onChoose(tab.path)}
        onAuxClick={(event) => event.button === 1 && onClose(tab.path)}
        onKeyDown={(event) => event.key === 'Delete' && onClose(tab.path)}
        className="flex h-full items-center gap-1.5 text-xs font-medium whitespace-nowrap"
      >
        <span className="max-w-48 truncate">{name}</span>
        {names.folder !== null && (
          <span className="max-w-32 truncate font-normal text-faint">{visibleName(names.folder)}</span>
        )}
        {mark !== null && <span className="sr-only">({mark})</span>}
      </button>
      <Tip label={`Close ${name}`}>
        <button
          type="button"
          aria-label={`Close ${name}`}
          onClick={() => onClose(tab.path)}
          className="group/close ml-1 grid size-6 place-items-center rounded-md text-muted hover:bg-hover hover:text-text pointer-coarse:size-9"
        >
          {mark !== null && (
            <span
              aria-hidden
              className={cx(
                'size-2 rounded-full group-hover/close:hidden',
                tab.conflict ? 'bg-attention' : 'bg-accent',
              )}
            />
          )}
          <X
            size={13}
            aria-hidden
            className={cx(
              mark !== null && 'hidden group-hover/close:block',
              mark === null &&
                !current &&
                'opacity-0 group-hover/tab:opacity-100 group-focus-visible/close:opacity-100 pointer-coarse:opacity-100',
            )}
          />
        </button>
      </Tip>
    </li>
  );
};

export const FileTabs = ({ tabs, active, onChoose, onClose }: FileTabsProps) => {
  const names = tabNames(tabs.map(({ path }) => path));
  return (
    <ul aria-label="Open files" className="flex min-w-0 flex-1 items-stretch overflow-x-auto [scrollbar-width:none]">
      {tabs.map((tab) => (
        <Tab
          key={tab.path}
          tab={tab}
          current={tab.path === active}
          names={names.get(tab.path) ?? { name: tab.path, folder: null }}
          onChoose={onChoose}
          onClose={onClose}
        />
      ))}
    </ul>
  );
};
