/**
 * The one shape of container that is ever asked of an engine for a session. Pure: what a session's specification can
 * change in it is the command, the environment, the limits and which of the server's own files are seen; everything
 * that decides what the container may do is fixed here or comes from the site's configuration.
 */
import type Docker from 'dockerode';
import type { PlaceSpec } from '../../driver.js';
import { agentFolderInside, containerName, disksOf, gatewayFolderInside, labels, socketFolders } from './names.js';
import type { Naming } from './names.js';

export interface ContainerRules {
  image: string;
  /** The engine's name of the runtime: `runc`, `runsc`, `kata`. */
  runtime: string;
  user: { uid: number; gid: number };
  /** As JSON. Never `unconfined`. */
  seccompProfile: string;
  /** An AppArmor profile; null for the engine's own, where its host has AppArmor. */
  apparmorProfile: string | null;
  /** Of the engine's machine: it refuses a limit above them. */
  cpus: number;
}

/** A volume with files of the server. */
export interface FilesMount {
  volume: string;
  target: string;
}

/** What of `/proc` and `/sys` tells of the host or could change it: the engine's own list, and the kernel's insides. */
const maskedPaths = [
  ...['/proc/asound', '/proc/acpi', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list'],
  ...['/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/proc/interrupts'],
  ...['/sys/firmware', '/sys/kernel', '/sys/module', '/sys/block', '/sys/dev', '/sys/devices/virtual/powercap'],
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const minTemporaryBytes = 16 * 1024 * 1024;
const sharedMemoryBytes = 256 * 1024 * 1024;

export function containerFor(
  spec: PlaceSpec,
  { naming, rules, files }: { naming: Naming; rules: ContainerRules; files: readonly FilesMount[] },
): Docker.ContainerCreateOptions {
  const { sessionId, placeId, limits } = spec;
  const sockets = socketFolders(naming, sessionId);
  const temporaryBytes = Math.max(minTemporaryBytes, Math.floor(limits.memoryBytes / 2));
  return {
    name: containerName(naming, sessionId),
    Image: rules.image,
    Entrypoint: [...spec.command],
    Cmd: [],
    User: `${rules.user.uid}:${rules.user.gid}`,
    WorkingDir: '/workspace',
    Hostname: 'claude',
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [labels.installation]: naming.installation,
      [labels.session]: sessionId,
      [labels.place]: placeId,
      // An image's own labels count where a container says nothing.
      [labels.helper]: 'false',
    },
    Tty: false,
    OpenStdin: false,
    StopSignal: 'SIGTERM',
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      Runtime: rules.runtime,
      // No interface but loopback: the way in and the way out are the two sockets.
      NetworkMode: 'none',
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      CapAdd: [],
      SecurityOpt: [
        'no-new-privileges:true',
        `seccomp=${rules.seccompProfile}`,
        ...(rules.apparmorProfile === null ? [] : [`apparmor=${rules.apparmorProfile}`]),
      ],
      IpcMode: 'private',
      PidMode: '',
      UTSMode: '',
      UsernsMode: '',
      Devices: [],
      PublishAllPorts: false,
      MaskedPaths: maskedPaths,
      ReadonlyPaths: readonlyPaths,
      // It reaps what Claude's programs leave, and ends the place with the command.
      Init: true,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(Math.min(limits.cpus, rules.cpus) * 1e9),
      PidsLimit: limits.processes,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: limits.openFiles, Hard: limits.openFiles },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      ShmSize: sharedMemoryBytes,
      Tmpfs: {
        '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${temporaryBytes}`,
        '/var/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${temporaryBytes}`,
      },
      Binds: [`${sockets.agent}:${agentFolderInside}:rw`, `${sockets.gateway}:${gatewayFolderInside}:ro`],
      Mounts: [
        ...disksOf(naming, sessionId).map(({ name, target }) => ({
          Type: 'volume' as const,
          Source: name,
          Target: target,
          ReadOnly: false,
          VolumeOptions: {
            // An empty home begins with what the image has there.
            NoCopy: false,
            // They are there before, with marks; one that the engine makes by itself is no disk.
            Labels: {},
            DriverConfig: { Name: 'local', Options: {} },
          },
        })),
        ...files.map(({ volume, target }) => ({
          Type: 'volume' as const,
          Source: volume,
          Target: target,
          ReadOnly: true,
          VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
        })),
      ],
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    },
  };
}

/** What is created, never started and removed again, to put files into volumes and folders over the engine's API. */
export function helperFor(
  { naming, rules }: { naming: Pick<Naming, 'installation'>; rules: Pick<ContainerRules, 'image'> },
  how: { name?: string; sessionId?: string; volumes: readonly FilesMount[]; binds: readonly string[] },
): Docker.ContainerCreateOptions {
  const { name, sessionId, volumes, binds } = how;
  return {
    ...(name !== undefined && { name }),
    Image: rules.image,
    Entrypoint: ['/nonexistent'],
    Cmd: [],
    Labels: {
      [labels.installation]: naming.installation,
      [labels.helper]: 'true',
      [labels.place]: '',
      ...(sessionId !== undefined && { [labels.session]: sessionId }),
    },
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Binds: [...binds],
      Mounts: volumes.map(({ volume, target }) => ({
        Type: 'volume' as const,
        Source: volume,
        Target: target,
        ReadOnly: false,
        // Nothing of the image gets into what others have as well.
        VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
      })),
    },
  };
}
