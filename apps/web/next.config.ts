/** How the page is built: a static export that the server serves, under a base path that only the server knows. */
import type { NextConfig } from 'next';

/** Stands for the base path in every built file; the server puts the real one, or nothing, in its place. */
const basePathPlaceholder = '/__remote_claude_base__';

const config: NextConfig = {
  output: 'export',
  basePath: basePathPlaceholder,
  trailingSlash: true,
  reactStrictMode: true,
  images: { unoptimized: true },
  devIndicators: false,
  // Types are checked by `tsc -p apps/web`, with the rest of the repository.
  typescript: { ignoreBuildErrors: true },
  turbopack: {
    root: new URL('../..', import.meta.url).pathname,
    resolveAlias: { 'rehype-raw': './lib/no-html.ts' },
  },
};

export default config;
