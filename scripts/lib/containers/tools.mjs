// The programs that the tests of containers need, and why they cannot run where they cannot. An engine comes from the
// machine's distribution, gVisor and Docker Compose from a newer one, unpacked beside it and not installed.
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { childEnv } from '../child-env.mjs';
import { plainError, run } from '../run.mjs';
import { ensureSystemPackages, howToInstall } from '../system-packages.mjs';
import { cached } from './cache.mjs';

const installed = ['dockerd', 'iptables', 'debootstrap', 'openssl', 'iproute'];
/** The release that has a gVisor and a Compose of today; both run on the one before it. */
const newerSuite = 'trixie';
const newerPackages = ['runsc', 'docker-compose'];

/** Why no engine can be started here, or undefined. */
export function whyNoEngine() {
  if (process.platform !== 'linux') return 'containers need Linux';
  if (process.getuid() !== 0) return 'starting a container engine needs root';
  if (!existsSync('/usr/bin/apt-get')) return 'the engine and its images are made with Debian’s apt-get';
  return undefined;
}

/** `KEY=value` lines as /etc/os-release has them. */
function osRelease() {
  const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm);
  return Object.fromEntries([...lines].map(([, key, value]) => [key, value]));
}

async function archivesKnown() {
  const format = ['--format', '$(REPO_URI) $(CODENAME) $(COMPONENT)', 'Created-By: Packages'];
  const { output } = await run('apt-get', ['indextargets', ...format], { capture: true });
  const lines = output.split('\n').map((line) => line.split(' '));
  return lines.filter(([, , component]) => component === 'main').map(([uri, codename]) => ({ uri, codename }));
}

/**
 * Where this machine gets its packages of Debian from: the main archive first, for `suite`, then what it knows of that
 * suite's updates. No address of a mirror stands in this repository.
 */
export async function debianArchives(suite) {
  const { ID, VERSION_CODENAME } = osRelease();
  if (ID !== 'debian') throw plainError(`The tests of containers take their packages from Debian, and this is ${ID}.`);
  const mainOf = (all) => all.find(({ codename }) => codename === VERSION_CODENAME);
  let known = await archivesKnown();
  if (mainOf(known) === undefined) {
    // Lists that were never fetched have no code name yet.
    await run('apt-get', ['-qq', 'update'], { capture: true });
    known = await archivesKnown();
  }
  const main = mainOf(known);
  if (main === undefined)
    throw plainError(`apt-get knows no main archive of Debian ${VERSION_CODENAME}: see its sources.`);
  return [{ uri: main.uri, codename: suite }, ...known.filter(({ codename }) => codename.startsWith(`${suite}-`))];
}

/** Downloads packages of another suite with their signatures checked, and unpacks them below `target`. */
async function unpackFrom(suite, packages, target) {
  const work = `${target}.apt`;
  rmSync(work, { recursive: true, force: true });
  for (const folder of ['lists/partial', 'cache/archives/partial', 'parts', 'debs'])
    mkdirSync(join(work, folder), { recursive: true });
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const trust = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  const [{ uri }] = await debianArchives(suite);
  writeFileSync(join(work, 'sources.list'), `deb ${trust}${uri} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': join(work, 'sources.list'),
    'Dir::Etc::SourceParts': join(work, 'parts'),
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'APT::Sandbox::User': 'root',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  try {
    await must('apt-get', [...options, '-qq', 'update'], { cwd: work });
    await must('apt-get', [...options, '-qq', 'download', ...packages], { cwd: join(work, 'debs') });
    mkdirSync(target);
    for (const name of readdirSync(join(work, 'debs')))
      await must('dpkg', ['-x', join(work, 'debs', name), target], { cwd: work });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs a program whose failure ends the work, with its last lines as the reason. */
export async function must(command, args, options = {}) {
  const { code, output } = await run(command, args, { ...options, capture: true });
  if (code === 0) return output;
  const said = output.trim().split('\n').slice(-12).join('\n');
  throw plainError(`${command} ${args.join(' ')} ended with code ${code}:\n${said}`);
}

function findProgram(name) {
  const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', ...(childEnv().PATH ?? '').split(':').filter(Boolean)];
  const path = folders.map((folder) => join(folder, name)).find(isProgram);
  if (path === undefined) throw plainError(`${name} is not installed.`);
  return path;
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs what is missing and gives the path of each program. Throws a plain error where one is not to be had. */
export async function ensureContainerTools() {
  const reason = whyNoEngine();
  if (reason !== undefined) throw plainError(`No container engine can run here: ${reason}.`);
  const missing = await ensureSystemPackages(installed);
  if (missing.length > 0) throw plainError(missing.map(howToInstall).join('\n'));
  const newer = await cached(`tools-${newerSuite}-${process.arch}`, (path) =>
    unpackFrom(newerSuite, newerPackages, path),
  );
  return {
    dockerPath: findProgram('docker'),
    dockerdPath: findProgram('dockerd'),
    containerdPath: findProgram('containerd'),
    debootstrapPath: findProgram('debootstrap'),
    runscPath: join(newer, 'usr/bin/runsc'),
    composePath: join(newer, 'usr/libexec/docker/cli-plugins/docker-compose'),
  };
}
