// Who may import whom: a closed list. What is not written under `allowed` is an error, and so is a file that
// nobody placed. docs/architecture.md has the same table in words; scripts/lib/imports.test.mjs tries to break it.
const { devDependencies } = require('./package.json');

const anyOf = (...parts) => `(?:${parts.join('|')})`;
const escaped = (name) => name.replace(/[/.@-]/g, '\\$&');
const npmPackage = (...names) => `(?:^|/)node_modules/${anyOf(...names.map(escaped))}(?:/|$)`;

const src = {
  contract: '^packages/contract/src/',
  compute: '^packages/compute/src/',
  scriptedModel: '^packages/scripted-model/src/',
  agent: '^apps/agent/src/',
  server: '^apps/server/src/',
  cli: '^apps/cli/src/',
  web: '^apps/web/(?:src/)?',
};
// Inside these two every file has a folder with a meaning; in any other folder it may import nothing.
const serverFile = `${src.server}(?:[^/]+\\.ts$|roles/|features/|platform/|testing/)`;
const webFile = `${src.web}(?:app|features|ui|lib)/`;

/** What a package shows to others: its index, and its index of testing aids. */
const entry = (path) => `${path}(?:testing/)?index\\.ts$`;
const publicEntry = '^(?:packages|apps)/[^/]+/src/(?:testing/)?index\\.ts$';

const testFile = '\\.test\\.tsx?$|^(?:packages|apps)/[^/]+/src/testing/|^(?:packages|apps)/[^/]+/src/.+/testing/';
const wholeTests = '^(?:tests|bench)/';
const webRootFile = '^apps/web/[^/]+\\.(?:ts|mts|mjs|js)$';
const rootFile = '^[^/]+\\.(?:ts|cjs|mjs)$';
const asset = '\\.(?:css|svg|png|ico|woff2?)$';

const core = ['core'];
const listed = ['npm', 'npm-optional', 'npm-peer'];
const listedForDevelopment = [...listed, 'npm-dev'];
const installed = [...listedForDevelopment, 'npm-no-pkg', 'npm-unknown'];

/** Libraries that only some folders may know; everywhere else they are an error although the manifest lists them. */
const onlyIn = [
  {
    name: 'agent-sdk',
    packages: ['@anthropic-ai/claude-agent-sdk'],
    place: '^apps/agent/src/chat/',
  },
  {
    name: 'terminal-libraries',
    packages: ['@lydell/node-pty', '@xterm/headless', '@xterm/addon-serialize'],
    place: '^apps/agent/src/terminal/',
  },
  {
    name: 'data-libraries',
    packages: [
      'kysely',
      'pg',
      'ioredis',
      '@aws-sdk/client-s3',
      '@aws-sdk/lib-storage',
      '@socket.io/redis-streams-adapter',
      'pg-boss',
    ],
    place: '^apps/server/src/(?:platform/|features/.*[/-]store\\.ts$)',
  },
  {
    name: 'engine-libraries',
    packages: ['dockerode', '@kubernetes/client-node', '@aws-sdk/client-ecs'],
    place: '^packages/compute/src/drivers/',
  },
];

module.exports = {
  forbidden: [
    { name: 'no-rings', severity: 'error', comment: 'Nothing imports in rings.', from: {}, to: { circular: true } },
    {
      name: 'tests-stay-tests',
      severity: 'error',
      comment: 'What ships does not import tests or their aids.',
      from: { pathNot: [testFile, wholeTests] },
      to: { path: testFile },
    },
    ...onlyIn.map(({ name, packages, place }) => ({
      name: `${name}-in-their-place`,
      severity: 'error',
      comment: `${packages.join(', ')}: only in ${place}`,
      from: { pathNot: [place, testFile, wholeTests] },
      to: { path: npmPackage(...packages) },
    })),
    {
      name: 'one-driver-never-another',
      severity: 'error',
      from: { path: `${src.compute}drivers/([^/]+)/` },
      to: { path: `${src.compute}drivers/`, pathNot: `${src.compute}drivers/$1/` },
    },
    {
      name: 'drivers-stay-behind-the-interface',
      severity: 'error',
      comment: 'Only the index of the package puts a driver behind its name.',
      from: { path: src.compute, pathNot: [`${src.compute}(?:index|drivers)[./]`, testFile] },
      to: { path: `${src.compute}drivers/` },
    },
  ],

  allowedSeverity: 'error',
  allowed: [
    // contract: itself and zod; no node:*, no clock, no fetch of its own.
    { from: { path: src.contract }, to: { path: src.contract } },
    { from: { path: src.contract, pathNot: testFile }, to: { path: npmPackage('zod'), dependencyTypes: listed } },

    // compute: itself, node:*, engine libraries.
    { from: { path: src.compute }, to: { path: src.compute } },
    { from: { path: src.compute }, to: { dependencyTypes: [...core, ...listed] } },

    // scripted-model: itself.
    { from: { path: src.scriptedModel }, to: { path: src.scriptedModel } },
    { from: { path: src.scriptedModel }, to: { dependencyTypes: [...core, ...listed] } },

    // agent: itself and contract.
    { from: { path: src.agent }, to: { path: [src.agent, entry(src.contract)] } },
    { from: { path: src.agent }, to: { dependencyTypes: [...core, ...listed] } },

    // server: main → roles → features → platform; a feature reaches another only through its index.
    { from: { path: serverFile }, to: { path: [entry(src.contract), entry(src.compute)] } },
    { from: { path: serverFile }, to: { dependencyTypes: [...core, ...listed] } },
    { from: { path: `${src.server}[^/]+\\.ts$` }, to: { path: src.server } },
    {
      from: { path: `${src.server}roles/` },
      to: { path: `${src.server}${anyOf('roles/', 'features/[^/]+/index\\.ts$', 'platform/')}` },
    },
    { from: { path: `${src.server}features/([^/]+)/` }, to: { path: `${src.server}features/$1/` } },
    {
      from: { path: `${src.server}features/` },
      to: { path: `${src.server}${anyOf('features/[^/]+/index\\.ts$', 'platform/')}` },
    },
    { from: { path: `${src.server}platform/` }, to: { path: `${src.server}platform/` } },

    // cli: contract, and the server's public entry.
    { from: { path: src.cli }, to: { path: [src.cli, entry(src.contract), entry(src.server)] } },
    { from: { path: src.cli }, to: { dependencyTypes: [...core, ...listed] } },

    // web: app → features → ui, lib; no feature imports a feature; nothing of node.
    { from: { path: webFile }, to: { path: entry(src.contract) } },
    { from: { path: webFile }, to: { dependencyTypes: listed } },
    { from: { path: `${src.web}app/` }, to: { path: `${src.web}${anyOf('app', 'features', 'ui', 'lib')}/` } },
    { from: { path: `${src.web}features/([^/]+)/` }, to: { path: `${src.web}features/$1/` } },
    { from: { path: `${src.web}features/` }, to: { path: `${src.web}${anyOf('ui', 'lib')}/` } },
    { from: { path: `${src.web}ui/` }, to: { path: `${src.web}${anyOf('ui', 'lib')}/` } },
    { from: { path: `${src.web}lib/` }, to: { path: `${src.web}lib/` } },
    { from: { path: webFile }, to: { path: `^apps/web/.*${asset}` } },
    { from: { path: webRootFile }, to: { dependencyTypes: [...core, ...listedForDevelopment] } },

    // Tests beside the code: their own package, what any package shows, and the development tools of the root.
    { from: { path: testFile }, to: { path: publicEntry } },
    { from: { path: testFile }, to: { dependencyTypes: [...core, ...listedForDevelopment] } },
    { from: { path: testFile }, to: { path: npmPackage(...Object.keys(devDependencies)) } },
    { from: { path: `${src.server}.*${anyOf('\\.test\\.ts$', 'testing/')}` }, to: { path: src.server } },
    { from: { path: `${webFile}.*\\.test\\.tsx?$` }, to: { path: src.web } },

    // Tests and benches of the whole: themselves, the tests' support, and anything public; a bench names its peer.
    { from: { path: '^tests/' }, to: { path: '^tests/' } },
    { from: { path: '^tests/setup/' }, to: { path: '^scripts/lib/containers/' } },
    { from: { path: '^bench/' }, to: { path: '^(?:bench|tests/support)/' } },
    { from: { path: wholeTests }, to: { path: publicEntry } },
    { from: { path: wholeTests }, to: { dependencyTypes: [...core, ...installed] } },

    // Scripts run before anything is installed or built: node:* alone, and what they load late.
    { from: { path: '^scripts/' }, to: { path: '^scripts/', dependencyTypes: ['local'] } },
    { from: { path: '^scripts/' }, to: { dependencyTypes: core } },
    { from: { path: '^scripts/lib/[^/]+\\.test\\.mjs$' }, to: { dependencyTypes: ['npm-dev'] } },
    { from: { path: '^scripts/lib/(?:agent-bundle|house-rules)\\.mjs$' }, to: { dependencyTypes: ['npm-dev'] } },

    // What ships beside the program: node:* alone.
    { from: { path: '^deploy/' }, to: { dependencyTypes: core } },
    { from: { path: rootFile }, to: { path: '^package\\.json$' } },
    { from: { path: rootFile }, to: { dependencyTypes: ['npm-dev'] } },
  ],

  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(?:^|/)(?:dist|out|\\.next|\\.cache)/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mts', '.mjs', '.cjs', '.js', '.jsx', '.json', '.css', '.d.ts'],
      mainFields: ['module', 'main', 'types', 'typings'],
    },
  },
};
