/**
 * The read-only system that a bubblewrap place sees: the host's programs and libraries, and an /etc of its own with a
 * few harmless pieces of the host's. It does not know sessions.
 */
import { chmodSync, lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readText } from './host-processes.js';

/** The place's user, whoever it is on the host. */
export const placeUser = { name: 'claude', uid: 1000, gid: 1000, home: '/home/claude' };
export const placeHostname = 'session';

const programs = ['/usr'];
/** Links into /usr on most hosts, folders on older ones. */
const mergedIntoUsr = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Of the host's /etc: loader, certificates' public half, time zone, tables that programs expect. Never accounts, hosts, keys or services. */
const sharedEtc = [
  'alternatives',
  'bash.bashrc',
  'ca-certificates',
  'crypto-policies',
  'debian_version',
  'fonts',
  'inputrc',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'magic',
  'mime.types',
  'os-release',
  'perl',
  'pki/ca-trust/extracted',
  'pki/tls/certs',
  'protocols',
  'python3',
  'python3.11',
  'services',
  'ssl/certs',
  'ssl/openssl.cnf',
  'terminfo',
  'timezone',
];

const ownEtc: Record<string, string> = {
  passwd: [
    'root:x:0:0:root:/nonexistent:/usr/sbin/nologin',
    `${placeUser.name}:x:${placeUser.uid}:${placeUser.gid}::${placeUser.home}:/bin/bash`,
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ].join('\n'),
  group: ['root:x:0:', `${placeUser.name}:x:${placeUser.gid}:`, 'nogroup:x:65534:', ''].join('\n'),
  hosts: `127.0.0.1 localhost ${placeHostname}\n::1 localhost ${placeHostname}\n`,
  hostname: `${placeHostname}\n`,
  // No name service: there is no network to ask on, and what is looked up must not wait for one.
  'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n',
  'resolv.conf': '',
};

/** Writes the place's own files of /etc, the same for all sessions. */
export function writeOwnEtc(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(ownEtc)) {
    const path = join(folder, name);
    // Places hold these very files: they are not rewritten without need.
    if (readText(path) === text) continue;
    writeFileSync(path, text);
    chmodSync(path, 0o644);
  }
}

/** bwrap's arguments for all of the above. */
export function systemArguments(ownEtcFolder: string): string[] {
  const args: string[] = [];
  for (const path of programs) args.push('--ro-bind', path, path);
  for (const path of mergedIntoUsr) {
    const kind = kindOf(path);
    if (kind === 'link') args.push('--symlink', readlinkSync(path), path);
    else if (kind === 'other') args.push('--ro-bind', path, path);
  }
  args.push('--perms', '0755', '--dir', '/etc');
  for (const name of sharedEtc) {
    const path = `/etc/${name}`;
    // A link is followed on the host: inside it may lead nowhere.
    if (kindOf(path) !== 'missing') args.push('--ro-bind-try', path, path);
  }
  for (const name of Object.keys(ownEtc)) args.push('--ro-bind', join(ownEtcFolder, name), `/etc/${name}`);
  return args;
}

function kindOf(path: string): 'missing' | 'link' | 'other' {
  try {
    return lstatSync(path).isSymbolicLink() ? 'link' : 'other';
  } catch {
    return 'missing';
  }
}
