/**
 * What a checkpoint leaves out: folders that a tool makes again from what is kept. The one rule, as data for the page
 * and as a test for the walk. It does not know the disk.
 */
import { leftOutFolders, leftOutTag } from '@remote-claude/contract';

const names: ReadonlySet<string> = new Set(leftOutFolders);
const tag = Buffer.from(leftOutTag);

/** Whether a folder of that name (latin1) is left out. */
export const isLeftOut = (name: string): boolean => names.has(name);
/** Whether a folder says of itself that it is a cache (the convention of CACHEDIR.TAG, which cargo's `target` follows). */
export const saysLeftOut = (names: readonly Buffer[]): boolean => names.some((name) => name.equals(tag));
