import { defineConfig } from 'vitest/config';

const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } };
const limits = { testTimeout: 30_000, hookTimeout: 60_000, teardownTimeout: 20_000 };

export default defineConfig({
  test: {
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'apps/web/{features,lib}/**/*.test.ts',
            'scripts/**/*.test.mjs',
          ],
          ...limits,
          // Most of them start real programs; a busy machine is slow, not wrong.
          testTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        ...source,
        test: {
          name: 'whole',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/**/dist/**'],
          ...limits,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
