// A container engine of the tests' own: containerd and dockerd with folders, sockets and a network namespace that nobody
// else has, gVisor registered beside runc. It does not know images or tests. Who starts one closes it; what a killed run
// left is taken away by the next that starts.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeCertificates } from './certificates.mjs';
import { giveImages, takeImages } from './image-store.mjs';
import { createNetwork, removeNetwork } from './network.mjs';
import { end, isAlive, processesOf, startProgram, unmountBelow, until } from './processes.mjs';
import { ensureContainerTools } from './tools.mjs';

const prefix = 'rc-engine-';
const readyWithinMs = 60_000;
const graceMs = 15_000;
/** For what containers have left when their engine is gone. */
const leftGraceMs = 500;
/** What this release of gVisor needs on new kernels, and what sessions need of it: sockets of the host, seccomp inside. */
const runscArgs = ['--network=host', '--ignore-cgroups', '--host-uds=all', '--oci-seccomp'];
const programPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Asks the engine and answers whether it says that it is there. */
function ping(socketPath) {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/_ping', timeout: 5_000 }, (answer) => {
      answer.resume();
      answer.once('close', () => resolve(answer.statusCode === 200));
    });
    asked.once('timeout', () => asked.destroy());
    asked.once('error', () => resolve(false));
    asked.end();
  });
}

/** Removes the control groups of its containers: those of killed ones stay. */
function removeGroups(id) {
  const remove = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(path, entry.name));
    rmdirSync(path);
  };
  const root = '/sys/fs/cgroup';
  const parents = [root, ...readdirSync(root).map((name) => join(root, name))];
  for (const path of parents.map((parent) => join(parent, id))) {
    try {
      if (existsSync(path)) remove(path);
    } catch {
      // Busy still, or gone: an empty group harms nobody.
    }
  }
}

/** Ends all that works on an engine's folder, and removes it: the folder last, since by it a killed run's rest is found. */
async function removeEngine(folder) {
  await end(processesOf(folder), leftGraceMs);
  removeGroups(pathsIn(folder).groups);
  await unmountBelow(folder);
  await removeNetwork(pathsIn(folder).id);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

/** Removes engines whose owner is gone: a killed test run cannot do it itself. */
async function sweepEngines(parent) {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(parent, name);
    const ownerPath = join(folder, 'owner.json');
    // One that is being made has none yet.
    if (!existsSync(ownerPath)) continue;
    const { pid } = JSON.parse(readFileSync(ownerPath, 'utf8'));
    if (isAlive(pid)) continue;
    console.log(`removing the container engine that process ${pid} has left in ${folder}`);
    await removeEngine(folder);
  }
}

function writeSettings(paths, tools, hasNetwork) {
  const containerd = [
    'version = 2',
    `root = "${paths.containerdRoot}"`,
    `state = "${paths.containerdState}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    `[grpc]\n  address = "${paths.containerdSocket}"`,
  ];
  writeFileSync(paths.containerdConfig, `${containerd.join('\n')}\n`);
  const daemon = {
    'live-restore': true,
    'cgroup-parent': `/${paths.groups}`,
    'default-shm-size': '64M',
    'log-opts': { 'max-size': '10m' },
    runtimes: { runsc: { path: tools.runscPath, runtimeArgs: runscArgs } },
    // Without a namespace of its own it must leave the machine's network as it is.
    ...(!hasNetwork && { bridge: 'none', iptables: false, 'ip-forward': false, 'ip-masq': false }),
  };
  writeFileSync(paths.daemonConfig, JSON.stringify(daemon));
}

function pathsIn(folder) {
  const id = folder.slice(-6);
  const at = (name) => join(folder, name);
  return {
    id,
    groups: `${prefix}${id}`,
    socket: at('docker.sock'),
    pidFile: at('docker.pid'),
    dataRoot: at('data'),
    execRoot: at('exec'),
    daemonConfig: at('daemon.json'),
    daemonLog: at('dockerd.log'),
    containerdSocket: at('containerd.sock'),
    containerdRoot: at('containerd'),
    containerdState: at('containerd-state'),
    containerdConfig: at('containerd.toml'),
    containerdLog: at('containerd.log'),
    clientConfig: at('client'),
    certificates: at('tls'),
  };
}

/** Keeps a program running until `close`: a test may kill it, as one kills a service of the machine. */
function keepRunning(start) {
  let closed = false;
  let current = start();
  const loop = (async () => {
    for (;;) {
      await current.ended;
      if (closed) return;
      await wait(500);
      if (closed) return;
      current = start();
    }
  })();
  return {
    async close() {
      closed = true;
      await end([current.pid], graceMs);
      await loop;
    },
  };
}

/**
 * Starts an engine and resolves when it answers. `parent`: where its folder is made; short, for the sockets' sake.
 * `tls`: it listens on a port too, by certificates made for it. `network: 'host'`: it has the machine's network, only
 * for builds with `--network=host`, since it makes no bridge and no rules. `images`: a folder that `takeImages` made.
 * `close` ends its containers too.
 */
export async function startEngine({ parent = tmpdir(), tls = false, network = 'own', images } = {}) {
  const tools = await ensureContainerTools();
  await sweepEngines(parent);
  const folder = mkdtempSync(join(parent, prefix));
  const paths = pathsIn(folder);
  writeFileSync(join(folder, 'owner.json'), JSON.stringify({ pid: process.pid }));
  let programs;
  let closing;
  const close = () =>
    (closing ??= (async () => {
      await programs?.close();
      await removeEngine(folder);
    })());
  try {
    const net = network === 'own' ? await createNetwork(paths.id) : undefined;
    writeSettings(paths, tools, net !== undefined);
    mkdirSync(paths.clientConfig);
    const secured = tls && net ? await makeCertificates(paths.certificates, net.address) : undefined;
    if (images !== undefined) await giveImages(images, paths.dataRoot);
    programs = await startPrograms({ paths, tools, net, secured });
    return {
      ...tools,
      socketPath: paths.socket,
      pidFile: paths.pidFile,
      dataRoot: paths.dataRoot,
      logPath: paths.daemonLog,
      address: net?.address,
      hostAddress: net?.hostAddress,
      tls: secured,
      /** The environment of its command line, which knows nobody's sign-ins. */
      env: {
        PATH: programPath,
        HOME: folder,
        DOCKER_CONFIG: paths.clientConfig,
        DOCKER_HOST: `unix://${paths.socket}`,
        DOCKER_BUILDKIT: '1',
      },
      /** Ends it, without its folder, and makes a folder of its images. `close` is called after that as well. */
      async takeImages(target) {
        await programs.close();
        await unmountBelow(folder);
        await takeImages(paths.dataRoot, target);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startPrograms({ paths, tools, net, secured }) {
  const enter = net?.enter ?? [];
  const env = { PATH: programPath, HOME: paths.dataRoot };
  const containerd = keepRunning(() =>
    startProgram([...enter, tools.containerdPath, '--config', paths.containerdConfig], {
      env,
      cwd: '/',
      logPath: paths.containerdLog,
    }),
  );
  const listen = secured
    ? ['-H', secured.listen, '--tlsverify', '--tlscacert', secured.caPath].concat([
        '--tlscert',
        secured.serverCertificatePath,
        '--tlskey',
        secured.serverKeyPath,
      ])
    : [];
  const files = ['--data-root', paths.dataRoot, '--exec-root', paths.execRoot, '--pidfile', paths.pidFile];
  const daemonArgs = ['--config-file', paths.daemonConfig, ...files, '--containerd', paths.containerdSocket];
  const command = [...enter, tools.dockerdPath, ...daemonArgs, '-H', `unix://${paths.socket}`, ...listen];
  const tail = (path) => readFileSync(path, 'utf8').trim().split('\n').slice(-10).join('\n');
  let daemon;
  const close = async () => {
    await daemon?.close();
    await containerd.close();
  };
  try {
    const notReady = () => `containerd does not listen:\n${tail(paths.containerdLog)}`;
    await until(() => existsSync(paths.containerdSocket), readyWithinMs, notReady);
    daemon = keepRunning(() => startProgram(command, { env, cwd: '/', logPath: paths.daemonLog }));
    await until(
      () => ping(paths.socket),
      readyWithinMs,
      () => `dockerd does not answer:\n${tail(paths.daemonLog)}`,
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
