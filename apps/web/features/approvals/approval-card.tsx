'use client';
/** One question with all that its answer needs, the same wherever it is shown. Nothing here is answered by a key that means "away". */
import type { OpenApproval, SessionId } from '@remote-claude/contract';

import { useInput, type SeenInput } from '../../lib/blobs';
import { useLasting } from '../../lib/rights';
import { count } from '../../lib/time';
import { Button } from '../../ui/button';
import type { CardProps } from './card-props';
import { PlanCard } from './plan-card';
import { QuestionCard } from './question-card';
import { ToolCard } from './tool-card';

const Card = (props: CardProps) => {
  switch (props.approval.kind) {
    case 'question':
      return <QuestionCard {...props} />;
    case 'plan':
      return <PlanCard {...props} />;
    case 'tool':
      return <ToolCard {...props} />;
  }
};

/** Nobody is to allow what they have not seen without knowing that. */
const WholeNote = ({ bytes, seen: { state, retry } }: { bytes: number; seen: SeenInput }) => {
  if (state === 'whole') return null;
  const long = `This input has ${count(bytes)} bytes`;
  return (
    <div
      role={state === 'loading' ? 'status' : 'alert'}
      className="flex flex-wrap items-center gap-x-2 border-b border-line bg-attention-soft px-3.5 py-1.5 text-xs"
    >
      {state === 'loading' && `${long}. All of it is being loaded…`}
      {state === 'lost' && `${long}, too many to be kept: long texts in it are shown only in their beginning.`}
      {state === 'failed' && (
        <>
          {long}, and only its beginning is here: the rest could not be loaded.
          <Button size="sm" variant="quiet" onClick={retry}>
            Try again
          </Button>
        </>
      )}
    </div>
  );
};

interface ApprovalCardProps extends Omit<CardProps, 'lasting'> {
  sessionId: SessionId;
  approval: OpenApproval;
  /** Why the last answer was not taken. */
  failure: string | null;
}

export const ApprovalCard = ({ sessionId, approval, failure, ...rest }: ApprovalCardProps) => {
  const seen = useInput(sessionId, approval, true);
  const lasting = useLasting(sessionId);
  return (
    <>
      <WholeNote bytes={approval.wholeInput?.bytes ?? 0} seen={seen} />
      <Card
        key={`${approval.approvalId} ${seen.state}`}
        approval={{ ...approval, input: seen.input }}
        {...rest}
        lasting={lasting}
        busy={rest.busy || seen.state === 'loading'}
      />
      {failure !== null && (
        <p role="alert" className="border-t border-line px-3.5 py-2 text-danger">
          Your answer was not taken. {failure}
        </p>
      )}
    </>
  );
};
