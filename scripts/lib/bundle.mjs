// Makes one file of a program and all that it imports: one that is opened and read at once, in place of a thousand. It does
// not know the program.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from './run.mjs';

// Bundled CommonJS asks for require, __dirname and __filename, which an ES module lacks.
const banner = [
  "import { createRequire as bundleRequire } from 'node:module';",
  "import { fileURLToPath as bundlePath } from 'node:url';",
  'const require = bundleRequire(import.meta.url);',
  'const __filename = bundlePath(import.meta.url);',
  "const __dirname = bundlePath(new URL('.', import.meta.url));",
].join('\n');

/** `external` packages are looked for where the file lies when it runs. */
export async function bundle({ entry, outfile, external }) {
  const esbuild = createRequire(join(root, 'package.json'))('esbuild');
  try {
    await esbuild.build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20.19',
      conditions: ['source'],
      external,
      // Its other form asks for its parts in a way that cannot be followed.
      alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
      banner: { js: banner },
      sourcemap: 'linked',
      sourcesContent: false,
      legalComments: 'linked',
      logLevel: 'warning',
      absWorkingDir: root,
    });
  } finally {
    // Its service process would live as long as this one.
    await esbuild.stop();
  }
}
