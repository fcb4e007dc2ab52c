'use client';
/** Claude's plan as a document: to approve, or to go on planning with a word on what is missing. */
import { lazy, Suspense, useState } from 'react';
import { ListChecks } from 'lucide-react';

import { viewTool } from '../../lib/tool-view';
import { Button } from '../../ui/button';
import type { CardProps } from './card-props';
import { DenyForm } from './deny';

const Markdown = lazy(async () => ({ default: (await import('../../ui/markdown')).Markdown }));

export const PlanCard = ({ approval, busy, allowed, onAnswer }: CardProps) => {
  const [planning, setPlanning] = useState(false);
  const view = viewTool('ExitPlanMode', approval.input);
  const plan = view.kind === 'plan' ? view.plan : '';
  return (
    <>
      <header className="flex items-start gap-2.5 px-3.5 pt-3 pb-2.5">
        <ListChecks size={16} className="mt-0.5 shrink-0 text-attention-mark" aria-hidden />
        <h3 className="font-semibold">{approval.title}</h3>
      </header>
      <div
        tabIndex={0}
        role="group"
        aria-label="Plan"
        className="min-h-0 overflow-y-auto border-y border-line px-4 py-3"
      >
        <Suspense fallback={<div className="whitespace-pre-wrap">{plan}</div>}>
          <Markdown text={plan} />
        </Suspense>
      </div>
      <footer className="px-3.5 py-2.5">
        {!allowed ? (
          <p className="text-muted">Someone who may edit this session has to answer.</p>
        ) : planning ? (
          <DenyForm
            label="Keep planning"
            prompt="What should the plan have? (optional)"
            busy={busy}
            onDeny={(reason) => onAnswer({ decision: 'deny', ...(reason === '' ? {} : { reason }) })}
            onCancel={() => setPlanning(false)}
          />
        ) : (
          <div className="flex flex-wrap gap-2">
            <Button variant="primary" busy={busy} onClick={() => onAnswer({ decision: 'allow' })}>
              Approve
            </Button>
            <Button disabled={busy} onClick={() => setPlanning(true)}>
              Keep planning
            </Button>
          </div>
        )}
      </footer>
    </>
  );
};
