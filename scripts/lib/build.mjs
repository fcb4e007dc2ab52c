// The build: a few steps, each skipped while what it was made from is unchanged.
// It does not know who asks: `npm run build`, `npm start` and `npm test` all come here.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundleAgent } from './agent-bundle.mjs';
import { childEnv } from './child-env.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { fingerprint, isFresh, markFresh, markStale, sourceFiles } from './fingerprint.mjs';
import { alone } from './lock.mjs';
import { inModules, plainError, root, runNode } from './run.mjs';
import { bundleServer } from './server-bundle.mjs';

/** What runs a set-up script in a session. */
const sessionInit = 'deploy/docker/session-init.sh';

const projects = [
  'packages/contract',
  'packages/compute',
  'packages/scripted-model',
  'apps/agent',
  'apps/server',
  'apps/cli',
];
const scripts = (...names) => ['build', ...names].map((name) => `scripts/lib/${name}.mjs`);
const common = ['package-lock.json', 'tsconfig.base.json'];

/** Compiled files whose source is gone: nobody may import or list them any more. */
function removeOrphans(project) {
  const sources = new Set(sourceFiles([`${project}/src`]).map((file) => file.replace(/\.(c|m)?tsx?$/, '')));
  const dist = join(root, project, 'dist');
  if (!existsSync(dist)) return;
  for (const name of readdirSync(dist, { recursive: true })) {
    const compiled = /^(?!bundle[/\\])(.+?)\.(?:d\.(?:c|m)?ts|(?:c|m)?js)(?:\.map)?$/.exec(name);
    if (compiled && !sources.has(`${project}/src/${compiled[1].replaceAll('\\', '/')}`)) rmSync(join(dist, name));
  }
}

async function compile() {
  const { code } = await runNode([inModules('typescript/bin/tsc'), '-b', ...projects]);
  if (code !== 0) throw plainError('the TypeScript sources do not compile: see the lines above.');
  projects.forEach(removeOrphans);
}

async function exportPage() {
  const web = join(root, 'apps/web');
  const next = createRequire(join(web, 'package.json')).resolve('next/dist/bin/next');
  const env = childEnv({ NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' });
  const { code } = await runNode([next, 'build'], { cwd: web, env });
  if (code !== 0) throw plainError('the page could not be built: see the lines of next build above.');
}

const steps = [
  {
    name: 'compile',
    inputs: [
      ...projects.flatMap((path) => [`${path}/src`, `${path}/package.json`, `${path}/tsconfig.json`]),
      ...common,
      ...scripts(),
    ],
    outputs: projects.map((path) => `${path}/dist/.tsbuildinfo`).concat('apps/cli/dist/main.js'),
    needs: 'apps/cli/src/main.ts',
    make: compile,
  },
  {
    name: 'server bundle',
    inputs: [
      ...['apps/server', 'packages/contract', 'packages/compute'].flatMap((path) => [
        `${path}/src`,
        `${path}/package.json`,
      ]),
      ...common,
      ...scripts('bundle', 'server-bundle'),
    ],
    outputs: ['apps/server/dist/bundle/server.mjs'],
    needs: 'apps/server/src/index.ts',
    make: () =>
      bundleServer({
        entry: join(root, 'apps/server/src/index.ts'),
        target: join(root, 'apps/server/dist/bundle'),
      }),
  },
  {
    name: 'agent bundle',
    inputs: [
      'apps/agent/src',
      'apps/agent/package.json',
      'packages/contract/src',
      'packages/contract/package.json',
      ...common,
      ...scripts('bundle', 'agent-bundle', 'copy-package'),
      sessionInit,
    ],
    outputs: ['apps/agent/dist/bundle/agent.mjs', 'apps/agent/dist/bundle/node_modules'],
    needs: 'apps/agent/src/main.ts',
    make: () =>
      bundleAgent({
        entry: join(root, 'apps/agent/src/main.ts'),
        packageFolder: join(root, 'apps/agent'),
        target: join(root, 'apps/agent/dist/bundle'),
        files: [join(root, sessionInit)],
      }),
  },
  {
    name: 'page',
    inputs: ['apps/web', 'packages/contract/src', 'packages/contract/package.json', ...common, ...scripts()],
    outputs: ['apps/web/out/index.html'],
    needs: 'apps/web/app',
    make: exportPage,
  },
];

async function bringUpToDate(step) {
  const print = fingerprint(step.inputs);
  if (isFresh(step.name, print, step.outputs)) return;
  const begun = performance.now();
  console.log(`building: ${step.name}`);
  markStale(step.name);
  await step.make();
  const missing = step.outputs.find((output) => !existsSync(join(root, output)));
  if (missing !== undefined) throw plainError(`the step "${step.name}" ended well but made no ${missing}.`);
  markFresh(step.name, print);
  console.log(`built: ${step.name} in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}

/** Builds what is stale; throws a plain error when a step fails. A step that has no sources is named and left out. */
export async function build() {
  const isStale = (step) => !isFresh(step.name, fingerprint(step.inputs), step.outputs);
  const present = steps.filter((step) => existsSync(join(root, step.needs)));
  for (const step of steps)
    if (!present.includes(step)) console.log(`not built: ${step.name} (there is no ${step.needs})`);
  if (!present.some(isStale)) return;
  await alone(async () => {
    for (const step of present) await bringUpToDate(step);
  });
}

export async function main() {
  await ensureDependencies();
  await build();
  return 0;
}
