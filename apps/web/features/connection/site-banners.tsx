'use client';
/** What must be known on every page: the demo or no model at all, sessions that nothing isolates, and why none can start. */
import Link from 'next/link';
import type { User } from '@remote-claude/contract';

import { useAbout } from '../../lib/queries';
import { Notice } from '../../ui/notice';

/** `user` is who is signed in, where anybody is: then another banner says how the connection is. */
export const SiteBanners = ({ user }: { user?: User }) => {
  const { data, isError } = useAbout();
  if (isError && data === undefined && user === undefined) {
    return (
      <Notice shape="bar" tone="attention" role="status">
        The server does not answer. This page tries again by itself.
      </Notice>
    );
  }
  if (data === undefined) return null;
  return (
    <>
      {data.isolation === 'none' && (
        <Notice shape="bar" tone="danger">
          <span className="font-medium">Sessions are not isolated.</span> Claude and everyone’s commands run with the
          rights of the server itself.
        </Notice>
      )}
      {data.problems.map(({ what, mend }) => (
        <Notice key={what} shape="bar" tone="attention">
          <span className="font-medium">{what}</span> {mend}
        </Notice>
      ))}
      {!data.modelSet && user !== undefined && (
        <Notice
          shape="bar"
          tone="attention"
          action={
            user.role === 'admin' && (
              <Link href="/settings" className="shrink-0 font-medium underline underline-offset-2">
                Connect a model
              </Link>
            )
          }
        >
          <span className="font-medium">No model is connected,</span> so Claude cannot answer yet.
          {user.role !== 'admin' && ' An administrator can enter a key in the settings.'}
        </Notice>
      )}
      {data.demo && (
        <Notice shape="bar" tone="info">
          <span className="font-medium">Demo model.</span> Answers come from a script
          <span className="max-md:hidden">
            , not from a real model. An administrator can enter a key in the settings
          </span>
          .
        </Notice>
      )}
    </>
  );
};
