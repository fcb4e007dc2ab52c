'use client';
/** What this server is, and what it is not. */
import type { ReactNode } from 'react';

import { useAbout } from '../../lib/queries';
import { Independent } from '../../ui/entry-card';

const isolations = {
  bubblewrap: 'bubblewrap: own user, files, processes and no network for each session',
  container: 'a container for each session',
  pod: 'a pod for each session',
  none: 'none: sessions run with the rights of the server',
} as const;

const Row = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className="grid gap-x-6 gap-y-0.5 px-4 py-2.5 sm:grid-cols-[140px_1fr]">
    <dt className="text-muted">{name}</dt>
    <dd className="min-w-0 break-words">{children}</dd>
  </div>
);

export const AboutCard = () => {
  const { data } = useAbout();
  if (data === undefined) return <div className="skeleton h-48 rounded-lg!" aria-busy="true" />;
  return (
    <>
      <dl className="divide-y divide-line rounded-lg border border-line bg-surface">
        <Row name="Name">{data.name}</Row>
        <Row name="Version">
          <span className="font-mono text-xs">{data.version}</span>
        </Row>
        <Row name="Isolation">{isolations[data.isolation]}</Row>
        <Row name="Model">
          {data.demo ? 'The demo: answers come from a script' : 'Your organisation’s own key, through the gateway'}
        </Row>
        {data.warnings.map((warning) => (
          <Row key={warning} name="Mind">
            {warning}
          </Row>
        ))}
        {data.problems.map(({ what, mend }) => (
          <Row key={what} name="Problem">
            <span className="text-danger">{what}</span> {mend}
          </Row>
        ))}
      </dl>
      <div className="mt-5 space-y-2 text-muted">
        <Independent />
        <p>
          Remote Claude is free software under the Apache License 2.0. The Agent SDK that it starts comes under its
          maker’s commercial terms.
        </p>
      </div>
    </>
  );
};
