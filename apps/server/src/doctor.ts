// `remote-claude doctor`: looks at a site's set-up as it is, beside a server that runs or not, and says what is wrong, why
// it matters and how to mend it. It changes nothing, and takes no lock.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { ComputeError, examineImage } from '@remote-claude/compute';

import { checkDatabase, checkRedis } from './platform/checks/database.js';
import { ok, problem, warning, type Finding } from './platform/checks/finding.js';
import { checkFront, checkUpstream } from './platform/checks/front.js';
import { checkFolder, checkMachine } from './platform/checks/machine.js';
import { checkRoles } from './platform/checks/roles.js';
import { processChildEnv, type Config } from './platform/config/config.js';
import { defaultDataDir } from './platform/data-dir.js';
import { createImageRules } from './features/sessions/index.js';
import { createDriver, engineAddress, engineOf } from './roles/compute.js';

export type { Finding } from './platform/checks/finding.js';

export interface DoctorOptions {
  config: Config;
  /** What people open; else `server.publicUrl`. null looks at nothing from outside. */
  url: string | null;
  /** Of what sessions shall be made; null looks at none but the usual one. */
  image: string | null;
}

/** In the order in which they are known. */
export async function* examine({ config, url, image }: DoctorOptions): AsyncGenerator<Finding> {
  const has = (role: Config['server']['roles'][number]): boolean => config.server.roles.includes(role);
  yield checkMachine({ platform: process.platform, node: process.version });
  const dataDir = config.server.dataDir ?? defaultDataDir({ uid: process.getuid?.() ?? -1, home: homedir() });
  yield await checkFolder({ topic: 'data folder', path: dataDir, key: 'server.dataDir, --data-dir' });
  yield* await otherFolders(config);
  if (has('api') || has('session-manager') || has('gateway')) {
    yield* await checkDatabase(config.database.url);
    yield await checkRedis(config.redis.url);
  }
  yield* await checkRoles(config);
  if (has('session-manager')) yield* await checkEngine(config);
  if (image !== null) yield* await checkImage(config, image);
  if (has('gateway')) yield* await checkUpstream(config.claude.baseUrl);
  if (url !== null) yield* await checkFront(url, config.monitoring.metrics.token);
}

/** What is stored beside the data folder, where another one is named. */
const otherFolders = async ({ server, compute, monitoring }: Config): Promise<Finding[]> => {
  const found: Finding[] = [];
  if (compute.dataDir !== null && server.roles.includes('session-manager'))
    found.push(await checkFolder({ topic: 'session disks', path: compute.dataDir, key: 'compute.dataDir' }));
  const { destinations, file } = monitoring.logging;
  if (destinations.includes('file') && file.path !== null)
    found.push(await checkFolder({ topic: 'log file', path: dirname(file.path), key: 'monitoring.logging.file.path' }));
  return found;
};

/** With folders of its own: what runs is not touched. */
const checkEngine = async (config: Config): Promise<Finding[]> => {
  const topic = config.compute.driver === 'docker' ? 'container engine' : 'isolation';
  const folder = await mkdtemp(join(tmpdir(), 'rc-doctor-'));
  // Sessions of a server that is root are others, who pass through it.
  await chmod(folder, 0o711);
  try {
    const computeDir = { path: folder, runDir: join(folder, 'run') };
    const site = { config, childEnv: processChildEnv(), installation: 'doctor' };
    const driver = await createDriver(site, { computeDir, engine: await engineOf(site, computeDir, { make: false }) });
    const { problems, warnings } = await driver.probe();
    await driver.close();
    const found = [
      ...problems.map(({ what, mend }) => problem(topic, what, mend)),
      ...warnings.map((what) => warning(topic, what, 'Sessions work without it; see docs/operating.')),
    ];
    return found.length > 0 ? found : [ok(topic, 'A place like a session’s was tried, and works')];
  } catch (error) {
    if (!(error instanceof ComputeError)) throw error;
    return [problem(topic, error.message, 'Sessions cannot start until this is mended.')];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Nothing of it is run. */
const checkImage = async (config: Config, image: string): Promise<Finding[]> => {
  const topic = `image ${image}`;
  const refusal = createImageRules(config.compute).refusalOf(image);
  if (config.compute.driver !== 'docker') return [problem(topic, refusal ?? '', 'Set compute.driver to docker.')];
  const allowed = refusal === null ? [] : [warning(topic, refusal, 'Add it to compute.images.')];
  try {
    const found = await examineImage(await engineAddress(config), image);
    const told = found.map(({ what, mend, isFatal }) => (isFatal ? problem : warning)(topic, what, mend));
    return [...allowed, ...(told.length > 0 ? told : [ok(topic, 'It has all that a session needs')])];
  } catch (error) {
    if (!(error instanceof ComputeError)) throw error;
    return [...allowed, problem(topic, error.message, 'Nothing is known of it until this is mended.')];
  }
};
