// The exported page, made ready to serve: the base path filled in, text compressed once. It knows no request.

import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

import { pagePolicy } from './http/security-headers.js';

/** What the page's build has in place of the base path. */
const basePathPlaceholder = '/__remote_claude_base__';

export interface PageFiles {
  /** Folder to serve from. */
  root: string;
  /** Content policy of each HTML file, by its path in `root`. */
  policies: ReadonlyMap<string, string>;
}

const textFiles = new Set(['.html', '.js', '.css', '.txt', '.json', '.svg', '.webmanifest', '.map', '.ttf']);
const pageFiles = new Set(['.html', '.js', '.css', '.txt', '.json', '.webmanifest']);
const smallestCompressed = 1024;
const [toGzip, toBrotli] = [promisify(gzip), promisify(brotliCompress)];
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const filesBelow = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
};

/** Changes when any file does: paths, sizes and times suffice, since builds rewrite what they change. */
const fingerprint = async (folder: string, files: readonly string[], basePath: string): Promise<string> => {
  const hash = createHash('sha256').update(basePath);
  for (const file of [...files].sort()) {
    const { size, mtimeMs } = await stat(join(folder, file));
    hash.update(`\n${file}\n${size}\n${mtimeMs}`);
  }
  return hash.digest('hex').slice(0, 16);
};

const prepareFile = async (from: string, to: string, base: string): Promise<void> => {
  const extension = extname(to);
  if (!textFiles.has(extension)) return cp(from, to);
  let content = await readFile(from);
  if (pageFiles.has(extension))
    content = Buffer.from(content.toString('utf8').replaceAll(basePathPlaceholder, base), 'utf8');
  await writeFile(to, content);
  if (content.length < smallestCompressed) return;
  await writeFile(`${to}.gz`, await toGzip(content));
  await writeFile(`${to}.br`, await toBrotli(content, brotliOptions));
};

/** `cacheDir` keeps what was made ready, one folder for each build and base path; older ones are removed. */
export const preparePageFiles = async (options: {
  outDir: string;
  cacheDir: string;
  basePath: string;
}): Promise<PageFiles> => {
  const files = await filesBelow(options.outDir);
  const root = join(options.cacheDir, await fingerprint(options.outDir, files, options.basePath));
  const made = await stat(root).catch(() => null);
  if (made === null) {
    const unfinished = `${root}.making`;
    await rm(options.cacheDir, { recursive: true, force: true });
    for (const file of files) {
      await mkdir(join(unfinished, file, '..'), { recursive: true });
      await prepareFile(
        join(options.outDir, file),
        join(unfinished, file),
        options.basePath === '/' ? '' : options.basePath,
      );
    }
    await rename(unfinished, root);
  }
  const policies = new Map<string, string>();
  for (const file of files.filter((name) => name.endsWith('.html'))) {
    policies.set(file, pagePolicy(await readFile(join(root, file), 'utf8')));
  }
  return { root, policies };
};
