// Where the built parts of this product lie, relative to this program. It does not know what they do.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ServerAssets } from '@remote-claude/server';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Claude Code comes as a package per platform, of which npm installs the one that fits. */
const claudePackages = [
  `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}`,
  `@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}-musl`,
];

const { resolve } = createRequire(`${root}apps/agent/package.json`);

/** The first of these files of packages that is installed. */
const findFile = (files: readonly string[]): string | null => {
  for (const file of files) {
    try {
      return resolve(file);
    } catch {
      // The next one, then.
    }
  }
  return null;
};

export class MissingAsset extends Error {}

/** Throws `MissingAsset` with what to do where something was not built or installed. */
export const findAssets = (version: string): ServerAssets => {
  const assets = {
    version,
    agentDir: `${root}apps/agent/dist/bundle`,
    webDir: `${root}apps/web/out`,
    scriptedModel: `${root}packages/scripted-model/dist/main.js`,
  };
  for (const path of [assets.agentDir, assets.webDir, assets.scriptedModel]) {
    if (!existsSync(path)) throw new MissingAsset(`${path} is missing. Run "npm run build" first.`);
  }
  const claudePath = findFile(claudePackages.map((name) => `${name}/claude`));
  const ripgrepPath = findFile([`@vscode/ripgrep-${process.platform}-${process.arch}/bin/rg`]);
  if (claudePath === null || ripgrepPath === null) {
    const what = claudePath === null ? 'Claude Code' : 'ripgrep';
    throw new MissingAsset(
      `${what} is not installed for ${process.platform} on ${process.arch}. Run "npm ci" without --omit=optional.`,
    );
  }
  return { ...assets, claudePath, ripgrepPath };
};
