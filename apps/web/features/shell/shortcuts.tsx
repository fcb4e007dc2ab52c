'use client';
/** Every key that the page listens to, in one table, and the list that shows it. */
import { Dialog } from '../../ui/dialog';
import { Keys } from '../../ui/keys';

const groups = [
  {
    title: 'Everywhere',
    rows: [
      ['Mod+K', 'Search and commands'],
      ['Alt+N', 'New session'],
      ['Alt+I', 'What waits for you'],
      ['F6', 'Next pane'],
      ['Shift+F6', 'Pane before'],
      ['?', 'This list'],
    ],
  },
  {
    title: 'Composer',
    rows: [
      ['Enter', 'Send, or queue while Claude works'],
      ['Shift+Enter', 'New line'],
      ['Up', 'What you sent before'],
      ['/', 'Commands'],
      ['Shift+Tab', 'Next permission mode'],
      ['Escape', 'Interrupt Claude'],
    ],
  },
  {
    title: 'Panes',
    rows: [['Ctrl+`', 'Terminal']],
  },
] as const;

export const ShortcutsDialog = ({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) => (
  <Dialog open={open} onOpenChange={onOpenChange} title="Keyboard shortcuts">
    <div className="grid gap-6 sm:grid-cols-2">
      {groups.map(({ title, rows }) => (
        <section key={title}>
          <h3 className="mb-1.5 text-xs font-medium text-muted">{title}</h3>
          <dl>
            {rows.map(([keys, what]) => (
              <div key={keys} className="flex items-center justify-between gap-4 py-1">
                <dt>{what}</dt>
                <dd>
                  <Keys keys={keys} />
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  </Dialog>
);
