// Where the ways out lead to, and from where each of them works: on this machine, where sessions are processes, or around the
// tests' engine. All of it is made for the test and goes with it.

import { execFile } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { providedEngine } from '@remote-claude/compute/testing';

import { builtEnv } from '../support/config.js';
import { docker } from '../support/container.js';
import type { Product } from '../support/product.js';
import { until } from '../support/wait.js';
import { insideContainer, onMachine, type Runner } from './commands.js';
import { listenerProgram, startAbstract, startListeners, type Listeners } from './listeners.js';
import { mark, type Control } from './ways-out.js';

export interface Targets {
  /** Their addresses, under the names that the ways out have for them; what is not there is not named. */
  env: Record<string, string>;
  controls: Record<Exclude<Control, 'neighbour'>, Runner>;
  close(): Promise<void>;
}

const ip = (...args: string[]) => promisify(execFile)('ip', args, { env: builtEnv() });
const must = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await docker(args);
  if (code !== 0) throw new Error(`docker ${args.slice(0, 3).join(' ')}: ${stderr}`);
  return stdout.trim();
};

/** What is undone at the end, the last first, whatever fails. */
const createUndo = () => {
  const acts: (() => Promise<unknown>)[] = [];
  return {
    later: (act: () => Promise<unknown>) => void acts.unshift(act),
    async close() {
      for (const act of acts.splice(0)) await act().catch(() => {});
    },
  };
};

/** Sockets of the product below its folder: of its database, and of the places. */
const socketsOf = async ({ dataDir }: Product): Promise<Record<string, string>> => {
  const found = (await readdir(join(dataDir, 'run'), { recursive: true })).map((name) => join(dataDir, 'run', name));
  const first = (name: string) => found.find((path) => path.endsWith(`/${name}`)) ?? '';
  const sockets = { AGENT: first('agent.sock'), GATEWAY: first('gateway.sock'), DATABASE: first('.s.PGSQL.5432') };
  if (Object.values(sockets).includes('')) throw new Error(`not all sockets are in ${found.join(' ')}`);
  return sockets;
};

/** What the host listens with at one of its own addresses, and its unix sockets. */
const listenOnHost = async (host: string, undo: ReturnType<typeof createUndo>) => {
  const folder = await mkdtemp(join(tmpdir(), 'rc-targets-'));
  undo.later(() => rm(folder, { recursive: true, force: true }));
  const unix = join(folder, 'host.sock');
  const listeners = await startListeners(mark, [
    { kind: 'tcp', at: host },
    { kind: 'udp', at: host },
    { kind: 'http', at: host },
    { kind: 'unix', at: unix },
  ]);
  undo.later(() => listeners.close());
  const [tcp, udp, http] = listeners.ports;
  return { folder, env: { HOST: host, TCP: String(tcp), UDP: String(udp), HTTP: String(http), UNIX: unix } };
};

const openAbstract = async (undo: ReturnType<typeof createUndo>, enter: readonly string[] = []): Promise<string> => {
  const name = `way-out-${randomUUID()}`;
  const listening = await startAbstract(mark, name, enter);
  undo.later(() => listening.close());
  return name;
};

/** An address of the machine's own that no program outside this test uses, with a link that is nobody else's. */
export const openMachineTargets = async (product: Product): Promise<Targets> => {
  const undo = createUndo();
  const link = `rct-${randomUUID().slice(0, 8)}`;
  const taken = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  let host = '';
  do host = `198.19.${randomInt(256)}.${randomInt(1, 255)}`;
  while (taken.includes(host));
  try {
    await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}p`);
    undo.later(() => ip('link', 'delete', link));
    await ip('address', 'add', `${host}/32`, 'dev', link);
    await ip('link', 'set', link, 'up');
    const { env } = await listenOnHost(host, undo);
    const here = onMachine();
    return {
      env: { ...env, PINGED: host, ABSTRACT: await openAbstract(undo), ...(await socketsOf(product)) },
      controls: { network: here, engine: here, machine: here, apart: onMachine(['unshare', '--net']) },
      close: undo.close,
    };
  } catch (error) {
    await undo.close();
    throw error;
  }
};

interface Network {
  IPAM: { Config: { Subnet: string; Gateway: string }[] };
}

/** The engine's network namespace as a target: its bridge, and what a cloud would have at its link-local address. */
const listenInEngine = async (bridge: string, undo: ReturnType<typeof createUndo>) => {
  const namespace = `rc-${dirname(providedEngine().pidFile).slice(-6)}`;
  const enter = ['nsenter', `--net=/run/netns/${namespace}`, '--'];
  for (const address of ['169.254.169.254/32', 'fd00:ec2::254/128']) {
    await ip('-n', namespace, 'address', 'add', address, 'dev', 'lo');
    undo.later(() => ip('-n', namespace, 'address', 'delete', address, 'dev', 'lo'));
  }
  // An address of IPv6 may be used when the kernel has made sure that nobody else has it.
  const listeners = await until<Listeners>(
    () =>
      startListeners(
        mark,
        [
          { kind: 'tcp', at: '::' },
          { kind: 'udp', at: bridge },
          { kind: 'udp', at: bridge, port: 53 },
          { kind: 'http', at: '169.254.169.254', port: 80 },
          { kind: 'http', at: 'fd00:ec2::254', port: 80 },
        ],
        enter,
      ),
    { what: 'listeners in the namespace of the engine', timeoutMs: 15_000 },
  );
  undo.later(() => listeners.close());
  const [tcp, udp] = listeners.ports;
  return {
    BRIDGE_TCP: String(tcp),
    BRIDGE_UDP: String(udp),
    ABSTRACT: await openAbstract(undo, enter),
  };
};

/** The last address of a network of IPv4, by which all of it is meant. */
const everybodyIn = (subnet: string): string => {
  const [address = '', bits = '32'] = subnet.split('/');
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) + 2 ** (32 - Number(bits)) - 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
};

export const openEngineTargets = async (product: Product): Promise<Targets> => {
  const undo = createUndo();
  const { hostAddress, socketPath, sessionImage, tls } = providedEngine();
  const name = `ways-${randomUUID().slice(0, 8)}`;
  const run = async (role: string, options: readonly string[], command: readonly string[]): Promise<string> => {
    const container = `${name}-${role}`;
    undo.later(() => docker(['rm', '--force', container]));
    await must('run', '--detach', '--init', `--name=${container}`, ...options, sessionImage, ...command);
    return container;
  };
  try {
    const prefix = `fd00:${randomInt(1, 0xffff).toString(16)}:`;
    await must('network', 'create', '--ipv6', `--subnet=${prefix}:/64`, `--gateway=${prefix}:1`, name);
    undo.later(() => docker(['network', 'rm', name]));
    const [{ IPAM: ipam }] = JSON.parse(await must('network', 'inspect', name)) as [Network];
    const four = ipam.Config.find(({ Subnet: subnet }) => !subnet.includes(':'));

    const wanted = JSON.stringify([
      { kind: 'tcp', at: '::', port: 7001 },
      { kind: 'udp', at: '0.0.0.0', port: 7001 },
      { kind: 'udp', at: '::', port: 7002 },
    ]);
    const peer = await run(
      'peer',
      [`--network=${name}`, `--env=MARK=${mark}`, `--env=WANTED=${wanted}`],
      ['node', '-e', listenerProgram],
    );
    const addressOf = (field: string): Promise<string> =>
      must('inspect', '--format', `{{(index .NetworkSettings.Networks "${name}").${field}}}`, peer);
    await until(async () => (await must('logs', peer)).startsWith('['), { what: 'the other container to listen' });

    const { folder, env } = await listenOnHost(hostAddress, undo);
    const binds = [folder, product.dataDir, `${socketPath}:/var/run/docker.sock`, socketPath].map((path) =>
      path.includes(':') ? `--volume=${path}` : `--volume=${path}:${path}`,
    );
    // With what the ways need where nothing holds them: a way must be able to work.
    const loose = ['--user=0:0', '--cap-add=NET_ADMIN', '--security-opt=seccomp=unconfined', ...binds];
    const ordinary = await run('ordinary', [`--network=${name}`, ...loose], ['sleep', '86400']);
    const host = await run('host', ['--network=host', ...loose], ['sleep', '86400']);
    const gateway = four?.Gateway ?? '';
    const [inNetwork, inEngine] = [insideContainer(ordinary), insideContainer(host)];
    return {
      env: {
        ...env,
        ...(await listenInEngine(gateway, undo)),
        ...{
          BRIDGE: gateway,
          BRIDGE6: `${prefix}:1`,
          EVERYBODY: everybodyIn(four?.Subnet ?? ''),
        },
        ...{ PEER: await addressOf('IPAddress'), PEER6: await addressOf('GlobalIPv6Address'), PEER_NAME: peer },
        ...{
          PINGED: await addressOf('IPAddress'),
          ENGINE: socketPath,
          ENGINE_HOST: tls.host,
          ENGINE_PORT: String(tls.port),
        },
        ...{ ENGINE_USUAL: '/var/run/docker.sock', METADATA: '169.254.169.254', METADATA6: 'fd00:ec2::254' },
        ...(await socketsOf(product)),
      },
      controls: { network: inNetwork, engine: inEngine, machine: onMachine(), apart: inNetwork },
      close: undo.close,
    };
  } catch (error) {
    await undo.close();
    throw error;
  }
};
