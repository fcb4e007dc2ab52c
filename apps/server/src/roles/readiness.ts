// Whether sessions can start here, asked of the driver and kept for a while: trying the engine takes time. Other roles are
// told through the session-manager's internal port.

import { about, type About } from '@remote-claude/contract';
import type { Driver } from '@remote-claude/compute';

import type { Clock } from '../platform/clock.js';
import type { InternalService, Peer } from '../platform/internal/index.js';

export interface Readiness {
  problems: About['problems'];
  warnings: string[];
}

const freshMs = 30_000;
const probeMs = 20_000;

export interface ReadinessDeps {
  driver: Driver;
  clock: Clock;
  /** What is to be said beside it, now. */
  warnings(): string[];
}

export const createReadiness = ({ driver, clock, warnings: others }: ReadinessDeps): (() => Promise<Readiness>) => {
  let asked: { atMs: number; answer: Promise<Readiness> } | null = null;
  return async () => {
    const nowMs = clock.monotonicMs();
    if (asked === null || nowMs - asked.atMs > freshMs) {
      asked = { atMs: nowMs, answer: driver.probe().then(({ problems, warnings }) => ({ problems, warnings })) };
    }
    const { problems, warnings } = await asked.answer;
    return { problems, warnings: [...warnings, ...others()] };
  };
};

export const createReadinessService = (readiness: () => Promise<Readiness>): InternalService => ({
  async request(_path, _request, response) {
    const found = await readiness();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
  },
});

const answered = about.pick({ problems: true, warnings: true });

/** Of a session-manager in another process; one that does not answer is a problem in itself. */
export const askReadiness = (manager: Peer): Promise<Readiness> =>
  manager.ask({ method: 'GET', path: '/readiness', withinMs: probeMs }, answered).catch(() => ({
    problems: [awayProblem('session-manager', 'No session starts or stops; those that run go on.')],
    warnings: [],
  }));

export const awayProblem = (role: string, meanwhile: string): About['problems'][number] => ({
  what: `The ${role} does not answer. ${meanwhile}`,
  mend: `Start the process with that role; it is looked for at the internal address that the configuration names.`,
});
