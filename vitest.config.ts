import { defineConfig } from 'vitest/config';

const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } };
/** What the spine promises holds on what the product brings, and on a PostgreSQL and a Redis given to it by URL. */
const spine = [
  'tests/api/{spine,routes,sockets,members,repeats,rewind}.test.ts',
  'tests/e2e/spine.test.ts',
  'tests/faults/killed.test.ts',
];
/** Those that need a container engine. */
const inContainers = ['**/*.containers.test.ts', 'tests/containers/**'];
const notOurs = ['**/node_modules/**', '**/dist/**'];
const limits = { testTimeout: 30_000, hookTimeout: 60_000, teardownTimeout: 20_000 };
/** One product after the other, each with real programs. */
const products = { ...limits, testTimeout: 180_000, hookTimeout: 180_000, fileParallelism: false };
/** What holds of places that are processes holds of containers, on either runtime. */
const anyPlace = ['tests/api/spine.test.ts', 'tests/isolation/*.test.ts'];

export default defineConfig({
  test: {
    // One engine for all projects that need it; no other run starts one.
    globalSetup: ['tests/setup/containers.mjs'],
    teardownTimeout: 60_000,
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
          exclude: [...notOurs, ...inContainers],
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
          exclude: [...notOurs, ...inContainers],
          ...products,
        },
      },
      {
        ...source,
        test: { name: 'services', include: spine, env: { TEST_SERVICES: 'urls' }, ...products },
      },
      {
        ...source,
        test: {
          name: 'containers',
          include: [
            'packages/compute/src/drivers/docker/**/*.containers.test.ts',
            'apps/server/src/**/*.containers.test.ts',
            'tests/containers/**/*.test.ts',
            'tests/faults/places.test.ts',
            ...anyPlace,
          ],
          exclude: notOurs,
          env: { TEST_PLACES: 'runc' },
          ...products,
        },
      },
      {
        ...source,
        test: { name: 'gvisor', include: anyPlace, env: { TEST_PLACES: 'runsc' }, ...products },
      },
    ],
  },
});
