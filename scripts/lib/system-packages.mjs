// The programs that come from the operating system and not from npm.
// It does not decide whether one can be done without: it returns what is missing, and the caller says what that means.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { alone } from './lock.mjs';
import { childEnv } from './child-env.mjs';
import { run } from './run.mjs';

const systemPackages = {
  git: { command: 'git', debian: 'git', use: 'clones and compares the repositories of sessions' },
  bubblewrap: { command: 'bwrap', debian: 'bubblewrap', use: 'isolates sessions' },
  redis: { command: 'redis-server', debian: 'redis-server', use: 'speeds up several servers, in the tests' },
  postgresql: {
    command: 'pg_ctlcluster',
    debian: 'postgresql',
    use: 'is the database by URL in the tests',
  },
  prometheus: { command: 'prometheus', debian: 'prometheus', use: 'reads the metrics of every role, in the tests' },
  dockerd: { command: 'dockerd', debian: 'docker.io', use: 'runs the containers of tests' },
  iptables: { command: 'iptables', debian: 'iptables', use: 'makes the networks of containers, in the tests' },
  iproute: { command: 'ip', debian: 'iproute2', use: 'makes the networks of containers, in the tests' },
  debootstrap: { command: 'debootstrap', debian: 'debootstrap', use: 'makes the base of images, in the tests' },
  openssl: { command: 'openssl', debian: 'openssl', use: 'makes the certificates of tests' },
  nginx: { command: 'nginx', debian: 'nginx-light', use: 'stands before the server, in the tests' },
  chromium: { command: 'chromium', debian: 'chromium', use: 'drives the page in the end-to-end tests' },
};

function isOnPath(command) {
  const folders = (childEnv().PATH ?? '').split(delimiter).filter(Boolean);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const missingOf = (names) => names.filter((name) => !isOnPath(systemPackages[name].command));

async function aptInstall(names) {
  const env = childEnv({ DEBIAN_FRONTEND: 'noninteractive' });
  const packages = names.map((name) => systemPackages[name].debian);
  const patience = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  console.log(`installing ${packages.join(', ')} with apt-get`);
  await run('apt-get', [...patience, '-qq', 'update'], { env, capture: true });
  const { code, output } = await run(
    'apt-get',
    [...patience, '-qq', '-y', '--no-install-recommends', 'install', ...packages],
    { env, capture: true },
  );
  if (code !== 0) console.log(`apt-get could not install them:\n${output.trim().split('\n').slice(-5).join('\n')}`);
}

/** Installs what is missing where that is possible, and resolves to the names that are missing still. */
export async function ensureSystemPackages(names) {
  if (process.platform !== 'linux' || missingOf(names).length === 0) return missingOf(names);
  if (process.getuid() === 0 && isOnPath('apt-get')) {
    await alone(async () => {
      const missing = missingOf(names);
      if (missing.length > 0) await aptInstall(missing);
    });
  }
  return missingOf(names);
}

/** One sentence on a missing program: what it is for and what to install. */
export function howToInstall(name) {
  const { command, debian, use } = systemPackages[name];
  return `${command} is not installed (it ${use}): install the package ${debian}, on Debian and Ubuntu with "sudo apt-get install ${debian}".`;
}
