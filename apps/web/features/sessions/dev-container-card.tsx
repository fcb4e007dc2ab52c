'use client';
/** That a repository brings a dev container, and what it would do: nothing of it happens before somebody has read that and agrees. */
import { useState, type ReactNode } from 'react';
import { Container } from 'lucide-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { routes, type DevContainer, type DevContainerRemark, type Session } from '@remote-claude/contract';

import { call, newForm, sentenceOf } from '../../lib/client';
import { putSession } from '../../lib/queries';
import { useSession, useSessionView } from '../../lib/session-context';
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { Notice } from '../../ui/notice';

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <div>
    <dt className="font-medium">{title}</dt>
    <dd className="mt-0.5 text-muted">{children}</dd>
  </div>
);

const Code = ({ children }: { children: string }) => (
  <pre className="max-h-48 overflow-auto rounded-md bg-sunken px-3 py-2 text-xs break-words whitespace-pre-wrap text-text">
    {children}
  </pre>
);

const Remarks = ({ items }: { items: readonly DevContainerRemark[] }) => (
  <ul className="list-disc pl-4">
    {items.map(({ name, why }, index) => (
      <li key={index} className="break-words">
        <code className="text-text">{name}</code>: {why}
      </li>
    ))}
  </ul>
);

const Review = ({ found, session, onClose }: { found: DevContainer; session: Session; onClose: () => void }) => {
  const queries = useQueryClient();
  const [form] = useState(newForm);
  const env = Object.entries(found.env);
  const use = useMutation({
    mutationFn: () =>
      form.call(routes.setup.useDevContainer, { params: { id: session.id }, body: { hash: found.hash } }),
    onSuccess: (answer) => {
      putSession(queries, answer);
      void queries.invalidateQueries({ queryKey: ['dev-container', session.id] });
      onClose();
    },
  });
  const isBarred = found.refused.length > 0;
  const anew = found.image !== null || env.length > 0;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={isBarred ? 'This dev container cannot be used' : 'Use this dev container?'}
      description={`${found.path}${found.name === null ? '' : `, “${found.name}”`}. It comes with the repository; this is all that it would do.`}
    >
      <dl className="space-y-3 text-sm">
        {isBarred && (
          <Part title="Why not">
            <Remarks items={found.refused} />
          </Part>
        )}
        {found.image !== null && (
          <Part title="The session’s place is made of">
            <Code>{found.image}</Code>
          </Part>
        )}
        {env.length > 0 && (
          <Part title="Variables for every program in it">
            <Code>{env.map(([name, value]) => `${name}=${value}`).join('\n')}</Code>
          </Part>
        )}
        {found.script !== null && (
          <Part title="Run once, as the session’s user">
            <Code>{found.script}</Code>
          </Part>
        )}
        {found.forwardPorts.length > 0 && <Part title="Ports that it names">{found.forwardPorts.join(', ')}</Part>}
        {found.ignored.length > 0 && (
          <Part title="What does nothing here">
            <Remarks items={found.ignored} />
          </Part>
        )}
      </dl>
      {!isBarred && anew && (
        <p className="mt-3 text-sm text-muted">
          The place is made anew: what runs in terminals ends. Files and history stay.
        </p>
      )}
      {use.error !== null && (
        <div className="mt-3">
          <Notice tone="danger" role="alert">
            {sentenceOf(use.error)}
          </Notice>
        </div>
      )}
      <DialogButtons>
        <Button onClick={onClose}>{isBarred ? 'Close' : 'Not now'}</Button>
        {!isBarred && (
          <Button variant="primary" busy={use.isPending} onClick={() => use.mutate()}>
            Use it
          </Button>
        )}
      </DialogButtons>
    </Dialog>
  );
};

export const DevContainerCard = ({ session }: { session: Session }) => {
  const { can } = useSession();
  const isUp = useSessionView(({ log }) => log.loaded && log.state.place.status === 'running');
  // What Claude does may bring one.
  const lastTurn = useSessionView(({ log }) => log.state.lastTurn?.turnId ?? null);
  const [hidden, setHidden] = useState<string | null>(null);
  const [isOpen, setOpen] = useState(false);
  const may = can('session.execute');
  const { data } = useQuery({
    queryKey: ['dev-container', session.id, lastTurn],
    queryFn: () => call(routes.setup.devContainer, { params: { id: session.id } }),
    enabled: isUp && may,
    retry: false,
    staleTime: Infinity,
    placeholderData: (before) => before,
  });
  const found = data?.found ?? null;
  if (found === null || !may || data?.used?.hash === found.hash || hidden === found.hash) return null;
  return (
    <section
      aria-label="Dev container"
      data-testid="dev-container"
      className="mb-2 flex flex-wrap items-center gap-2.5 rounded-lg border border-line bg-surface px-3.5 py-2.5"
    >
      <Container size={16} className="shrink-0 text-muted" aria-hidden />
      <p className="min-w-0 flex-1 basis-56">
        This repository brings a dev container. <span className="text-muted">Nothing of it is used yet.</span>
      </p>
      <Button size="sm" variant="ghost" onClick={() => setHidden(found.hash)}>
        Hide
      </Button>
      <Button size="sm" onClick={() => setOpen(true)}>
        Review and use it…
      </Button>
      {isOpen && <Review found={found} session={session} onClose={() => setOpen(false)} />}
    </section>
  );
};
