/**
 * What system calls a place may make, as profiles for the engine. The engine's own differ with its age: older ones let io_uring
 * through, and sockets to the hypervisor, which no network namespace holds.
 */
import { allowedCalls } from './syscalls.js';

/**
 * The system calls of a place in gVisor. Its own kernel is what isolates; this keeps code inside from making namespaces and
 * mounts in that kernel. Docker's own profile cannot be used there: it answers `clone3` with an error that gVisor gives as
 * another one, and then no program can start a thread.
 */
const refused = [
  ...[
    'unshare',
    'setns',
    'mount',
    'umount2',
    'pivot_root',
    'chroot',
    'swapon',
    'swapoff',
    'reboot',
    'acct',
    'quotactl',
  ],
  ...['keyctl', 'add_key', 'request_key', 'bpf', 'perf_event_open', 'userfaultfd'],
  ...['kexec_load', 'init_module', 'finit_module', 'delete_module', 'open_by_handle_at', 'settimeofday', 'sethostname'],
];

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaceFlags = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];

/** All of them, as bits of one argument, and that of a time namespace, which in `clone` is part of a signal's number. */
const anyNamespace = namespaceFlags.reduce((bits, flag) => bits + flag, 0);
const timeNamespace = 0x80;
/** Unix, IPv4, IPv6, netlink: what a network namespace contains. */
const socketFamilies = [1, 2, 10, 16];
/** PER_LINUX, PER_LINUX32, UNAME26 with both, ADDR_NO_RANDOMIZE (debuggers), and the question 0xffffffff. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0x40000, 0xffffffff];

const notPermitted = { action: 'SCMP_ACT_ERRNO', errnoRet: 1 };

/** What is wrong with a profile that a site gives, as the end of a sentence; null where nothing is. */
export function profileProblem(text: string): string | null {
  const found = parsed(text);
  if (found === null) return 'is no JSON: it is a file in the form of Docker’s own profile.';
  const { defaultAction, syscalls } = found;
  if (typeof defaultAction !== 'string' || !defaultAction.startsWith('SCMP_ACT_'))
    return 'has no defaultAction: it is a file in the form of Docker’s own profile.';
  const isOpen = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'].includes(defaultAction);
  const refuses = (Array.isArray(syscalls) ? syscalls : []).some(
    (rule: { action?: unknown } | null) => !['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG'].includes(String(rule?.action)),
  );
  return isOpen && !refuses ? 'refuses nothing: sessions are never unconfined.' : null;
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' ? (found as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

export const isGvisor = (runtime: string): boolean => /runsc|gvisor/i.test(runtime);

export const gvisorProfile = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [
    { names: refused, ...notPermitted },
    ...namespaceFlags.map((flag) => ({
      names: ['clone'],
      ...notPermitted,
      args: [{ index: 0, value: flag, valueTwo: flag, op: 'SCMP_CMP_MASKED_EQ' }],
    })),
  ],
});

const allowed = (name: string, args?: readonly object[]) => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  ...(args && { args }),
});
const whereEqual = (name: string, values: readonly number[]) =>
  values.map((value) => allowed(name, [{ index: 0, value, valueTwo: 0, op: 'SCMP_CMP_EQ' }]));
const withoutBits = (name: string, bits: number) =>
  allowed(name, [{ index: 0, value: bits, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]);

/** Of a place whose kernel is the machine's. `clone3` is said not to be there, so that libraries take `clone`, whose flags are seen. */
export const sharedKernelProfile = JSON.stringify({
  defaultAction: 'SCMP_ACT_ERRNO',
  syscalls: [
    { names: allowedCalls, action: 'SCMP_ACT_ALLOW' },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 },
    withoutBits('clone', anyNamespace),
    withoutBits('unshare', anyNamespace + timeNamespace),
    allowed('ioctl'),
    ...whereEqual('socket', socketFamilies),
    ...whereEqual('socketpair', [1]),
    ...whereEqual('personality', personalities),
  ],
});
