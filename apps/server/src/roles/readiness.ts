// Whether sessions can start here, asked of the driver and kept for a while: trying the engine takes time.

import type { About } from '@remote-claude/contract';
import type { Driver } from '@remote-claude/compute';

import type { Clock } from '../platform/clock.js';

export interface Readiness {
  problems: About['problems'];
  warnings: string[];
}

const freshMs = 30_000;

export const createReadiness = ({ driver, clock }: { driver: Driver; clock: Clock }): (() => Promise<Readiness>) => {
  let asked: { atMs: number; answer: Promise<Readiness> } | null = null;
  return () => {
    const nowMs = clock.monotonicMs();
    if (asked === null || nowMs - asked.atMs > freshMs) {
      asked = { atMs: nowMs, answer: driver.probe().then(({ problems, warnings }) => ({ problems, warnings })) };
    }
    return asked.answer;
  };
};
