/**
 * The system calls that a place may not make, with their numbers per processor. It does not know how a filter
 * is built. Numbers are those of Linux's own tables; `null` where the processor has no such call.
 */
export type Processor = 'x64' | 'arm64';
type Numbers = readonly [x64: number | null, arm64: number | null];

/** Refused with EPERM: they change the machine, load code into the kernel, or leave a namespace. */
const forbidden: Record<string, Numbers> = {
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  create_module: [174, null],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  get_kernel_syms: [177, null],
  init_module: [175, 105],
  ioperm: [173, null],
  iopl: [172, null],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  migrate_pages: [256, 238],
  modify_ldt: [154, null],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  query_module: [178, null],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  _sysctl: [156, null],
  sysfs: [139, null],
  syslog: [103, 116],
  umount2: [166, 39],
  uselib: [134, null],
  userfaultfd: [323, 282],
  ustat: [136, null],
  vhangup: [153, 58],
};

/** Refused with ENOSYS, so that libraries fall back: a filter cannot look into what these point to. */
const absent: Record<string, Numbers> = {
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
};

/** Allowed or refused by their arguments. */
const examined = {
  clone: [56, 220],
  unshare: [272, 97],
  ioctl: [16, 29],
  personality: [135, 92],
  socket: [41, 198],
  socketpair: [53, 199],
} as const satisfies Record<string, Numbers>;

export interface SyscallTable {
  forbidden: number[];
  absent: number[];
  examined: Record<keyof typeof examined, number>;
}

export function syscallsOf(processor: Processor): SyscallTable {
  const column = processor === 'x64' ? 0 : 1;
  const pick = (table: Record<string, Numbers>) =>
    Object.values(table)
      .map((numbers) => numbers[column])
      .filter((number) => number !== null);
  const entries = Object.entries(examined).map(([name, numbers]) => [name, numbers[column]]);
  return {
    forbidden: pick(forbidden),
    absent: pick(absent),
    examined: Object.fromEntries(entries) as SyscallTable['examined'],
  };
}

/** Names and numbers of the whole table, to be compared with the system's own headers. */
export function namedSyscalls(): Record<string, Numbers> {
  return { ...forbidden, ...absent, ...examined };
}
