/** What each kind of card gets: the question, and how to answer it. */
import type { ApprovalAnswer, OpenApproval, Session } from '@remote-claude/contract';

export interface CardProps {
  approval: OpenApproval;
  /** An answer is on its way. */
  busy: boolean;
  allowed: boolean;
  /** May say what is always allowed: the session's owner; and in the project, which is named: an owner of that. */
  lasting: { always: boolean; project: Session['project'] | null };
  onAnswer: (answer: Pick<ApprovalAnswer, 'decision'> & Partial<ApprovalAnswer>) => void;
}
