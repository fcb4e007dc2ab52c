// Carries out a decision: which steps it is made of, and when the link to the agent ends. It decides nothing.

import type { Decision } from './decide.js';
import type { createFilling } from './filling.js';
import type { Steps } from './steps.js';
import type { PlaceRow } from './store.js';
import type { Watch } from './watch.js';

export interface TakingDeps {
  steps: Steps;
  filling: ReturnType<typeof createFilling>;
  dropLink(watch: Watch): Promise<void>;
  /** What ended places have used may be free now. */
  onPlaceEnded(): void;
}

export const createTaking = (deps: TakingDeps) => {
  const { steps, filling, dropLink } = deps;
  return async (row: PlaceRow, decision: Exclude<Decision, { do: 'nothing' }>, watch: Watch): Promise<void> => {
    switch (decision.do) {
      case 'start':
        return steps.start(row, decision.fresh);
      case 'stop':
        // The link stays until the place has ended, so that its last events arrive.
        await steps.stop(row);
        await dropLink(watch);
        return deps.onPlaceEnded();
      case 'remove-disk':
        return steps.removeDisk(row);
      case 'settle':
        return steps.settle(row);
      case 'bury':
        await dropLink(watch);
        await steps.bury(row, decision.reason);
        return deps.onPlaceEnded();
      case 'abandon':
        // Until it has ended its silence goes on: a step that fails is taken again soon.
        await steps.abandon(row, decision.reason);
        await dropLink(watch);
        return deps.onPlaceEnded();
      case 'mark':
        return steps.mark(row, decision);
      case 'unprepared':
        return steps.unprepared(row, decision);
      case 'queue':
        return steps.queue(row, decision);
      case 'tell':
        return steps.tell(row, decision);
      case 'fill':
        return filling.begin(row, watch);
      case 'expire':
        return steps.expire(row, decision.words);
      case 'give-back':
        await steps.giveBack(row, decision.words);
        await dropLink(watch);
        return deps.onPlaceEnded();
    }
  };
};
