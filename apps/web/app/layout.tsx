/** The document of every page. What is in the head runs before the first paint. */
import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';

import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import './globals.css';

import { beforePaintScript } from '../lib/theme';
import { Frame } from './frame';
import { Providers } from './providers';

export const metadata: Metadata = {
  title: 'Remote Claude',
  description: 'Claude Code as a self-hosted web product for a team',
  referrer: 'same-origin',
};
export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  interactiveWidget: 'resizes-content',
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <meta name="base-path" content="/__remote_claude_base__" />
        <link rel="icon" href="/__remote_claude_base__/icon.svg" type="image/svg+xml" />
        <script>{beforePaintScript}</script>
      </head>
      <body>
        <Providers>
          <Frame>{children}</Frame>
        </Providers>
      </body>
    </html>
  );
}
