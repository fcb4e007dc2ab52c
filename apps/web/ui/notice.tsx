/** A sentence that matters: what is so, and the one next action. */
import type { ReactNode } from 'react';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';

import { cx } from '../lib/cx';

const tones = {
  info: { box: 'bg-accent-soft text-text', icon: <Info size={16} className="text-accent-text" aria-hidden /> },
  attention: {
    box: 'bg-attention-soft text-text',
    icon: <TriangleAlert size={16} className="text-attention" aria-hidden />,
  },
  danger: { box: 'bg-danger-soft text-text', icon: <CircleAlert size={16} className="text-danger" aria-hidden /> },
} as const;
export type Tone = keyof typeof tones;

interface NoticeProps {
  tone?: Tone;
  /** `bar` spans a page's top edge. */
  shape?: 'box' | 'bar';
  action?: ReactNode;
  role?: 'alert' | 'status';
  children: ReactNode;
}

export const Notice = ({ tone = 'info', shape = 'box', action, role, children }: NoticeProps) => (
  <div
    role={role}
    className={cx(
      'flex gap-2.5 px-3',
      shape === 'box' ? 'items-start rounded-lg py-2.5' : 'min-h-9 items-start border-b border-line py-2',
      tones[tone].box,
    )}
  >
    <span className={cx('shrink-0', shape === 'box' ? 'mt-0.5' : 'flex h-5 items-center')}>{tones[tone].icon}</span>
    <div className="min-w-0 flex-1 break-words">{children}</div>
    {action !== undefined && <span className={cx('shrink-0', shape === 'bar' && '-my-1 self-center')}>{action}</span>}
  </div>
);
