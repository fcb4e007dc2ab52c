'use client';
/** What every page needs around it. */
import { useEffect, useState, type ReactNode } from 'react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { AppError } from '@remote-claude/contract';
import { Toaster } from 'sonner';

import { followSystemTheme, useTheme } from '../lib/theme';
import { TipProvider } from '../ui/tip';

const makeQueries = (): QueryClient =>
  new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // Only what may succeed later is asked for again.
        retry: (failures, error) =>
          failures < 3 && error instanceof AppError && (error.code === 'unavailable' || error.code === 'rate_limited'),
      },
    },
  });

export const Providers = ({ children }: { children: ReactNode }) => {
  const [queries] = useState(makeQueries);
  const resolved = useTheme((theme) => theme.resolved);
  useEffect(followSystemTheme, []);
  return (
    <QueryClientProvider client={queries}>
      <TipProvider>
        {children}
        <Toaster
          theme={resolved}
          position="bottom-right"
          closeButton
          toastOptions={{
            style: { background: 'var(--raised)', color: 'var(--text)', borderColor: 'var(--line)', fontSize: '13px' },
          }}
        />
      </TipProvider>
    </QueryClientProvider>
  );
};
