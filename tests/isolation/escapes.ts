// What hostile code tries with the machine that it runs on: a shell's command each, for any kind of place. One that ends with 0 has
// got out. What it does where nothing holds it harms nobody: files of the kernel are opened for writing and never written to, and
// calls that would change the machine are made so that they change nothing.

export interface Escape {
  command: string;
  /** Why it is not shown to work in a container without isolation; null where it is. */
  unproven: string | null;
  /** What not every machine has, or lets its own root do: it may be missing where nothing refuses it. */
  isRare: boolean;
  /** Why it says nothing in gVisor, whose own kernel lets it have what the machine has nothing of. */
  hollow: string | null;
}

const proven = (command: string): Escape => ({ command, unproven: null, isRare: false, hollow: null });
const rare = (escape: Escape): Escape => ({ ...escape, isRare: true });
const hollow = (escape: Escape, why: string): Escape => ({ ...escape, hollow: why });

/** Opens for writing. */
const opens = (...paths: string[]): Escape =>
  proven(`for file in ${paths.join(' ')}; do (: >> "$file") 2>/dev/null && exit 0; done; exit 1`);

/** A system call by its number on each processor; `before` prepares what it points to, `got` says when it was let through. */
const calls = (numbers: readonly [x64: number, arm64: number], args: string, got = '$r >= 0', before = ''): Escape =>
  proven(
    `perl -e 'use POSIX (); my $n = (POSIX::uname())[4] eq "x86_64" ? ${numbers[0]} : ${numbers[1]}; ${before} my $r = syscall($n, ${args}); exit((${got}) ? 0 : 1)'`,
  );

const errors = { invalid: 22, notExecutable: 8 };

const namespaces: Record<string, Escape> = {
  'a user namespace': proven('unshare -U true'),
  'a user namespace as root': proven('unshare -Ur id'),
  'a mount namespace': proven('unshare -m true'),
  'a network namespace': proven('unshare -n true'),
  'a pid namespace': proven('unshare -p -f true'),
  'a namespace by the newer call': hollow(
    calls(
      [435, 435],
      '$a, 64',
      '$r > 0',
      // CLONE_NEWUSER, and SIGCHLD at its end.
      'my $a = pack("Q8", 0x10000000, 0, 0, 0, 17, 0, 0, 0);',
    ),
    'it is one of the kernel inside',
  ),
  'the namespaces of the first process': proven('nsenter -t 1 -a true'),
  'another host name': proven('hostname escaped'),
};

const mounts: Record<string, Escape> = {
  'a mount': proven('mount -t tmpfs none /mnt'),
  'a bind mount': proven('mount --bind / /tmp'),
  'a new /proc': proven('mount -t proc none /tmp'),
  'a remount of the root': proven('mount -o remount,rw /'),
  'an unmount': proven('umount -l /proc'),
  'a mount by the newer calls': calls([430, 430], '$type, 0', '$r >= 0', 'my $type = "tmpfs";'),
  'a copy of a mount': calls([428, 428], '-100, $root, 1', '$r >= 0', 'my $root = "/";'),
  'a new root': proven('chroot / true'),
  'a device': hollow(proven('mknod /tmp/disk b 8 0'), 'opened, it is no device'),
  'a file by its number on the disk': calls(
    [304, 265],
    'fileno($at), $handle, 0',
    '$r >= 0',
    [
      'my ($at, $handle);',
      'my $name = (POSIX::uname())[4] eq "x86_64" ? 303 : 264;',
      'for my $path ("/etc/hosts", "/usr/bin/env") {',
      '  open($at, "<", $path) or next; $handle = pack("L", 128) . "\\0" x 132; my ($id, $text) = ("\\0" x 8, $path);',
      '  last if syscall($name, -100, $text, $handle, $id, 0) == 0;',
      '}',
    ].join(' '),
  ),
};

const users: Record<string, Escape> = {
  'another user': proven('setpriv --reuid=0 true'),
  'root by su': proven('su -c true </dev/null'),
  'root by sudo': { ...proven('sudo -n true'), unproven: 'no image has it' },
  'another owner of a file': proven('touch /tmp/owned && chown 0:0 /tmp/owned'),
  'a higher priority': rare(
    hollow(proven('nice -n -10 sh -c \'[ "$(nice)" -lt 0 ]\''), 'the kernel inside goes by no priority'),
  ),
  'more open files': rare(proven('ulimit -Hn $(( $(ulimit -Hn) + 1 ))')),
  'a core dump': rare(proven('ulimit -Hc unlimited')),
};

const files: Record<string, Escape> = {
  'a file in the root': proven('touch /escape'),
  'a file in /usr': proven('touch /usr/escape'),
  'the list of users': opens('/etc/passwd'),
  'another program of the agent': proven('echo x > /opt/escape || touch /opt/remote-claude/escape'),
  'the gateway’s socket in its own place': {
    ...proven('rm /run/remote-claude/gateway/gateway.sock || touch /run/remote-claude/gateway/mine'),
    unproven: 'only a session has it',
  },
  'the kernel’s switches': opens('/proc/sys/kernel/sysrq', '/proc/sys/vm/drop_caches', '/proc/sys/net/ipv4/ip_forward'),
  'the core pattern': opens('/proc/sys/kernel/core_pattern'),
  'a program that the kernel starts': rare(opens('/proc/sys/kernel/modprobe', '/sys/kernel/uevent_helper')),
  'a reboot by a file': rare(opens('/proc/sysrq-trigger')),
  'the kernel’s settings': opens('/sys/kernel/mm/transparent_hugepage/enabled', '/sys/power/state'),
  'its own limits': opens('/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/*/cgroup.procs'),
  'the machine’s memory': rare(proven('[ "$(head -c 4 /proc/kcore | wc -c)" = 4 ]')),
  'what timers the machine has': proven('head -n 5 /proc/timer_list | grep -q .'),
  // gVisor has a log of its own, with nothing of the machine in it.
  'the kernel’s log': proven('dmesg > /tmp/log && grep -q . /tmp/log && ! grep -qi gvisor /tmp/log'),
};

const kernel: Record<string, Escape> = {
  'a kernel module': rare(calls([175, 105], '$a, 0, $a', `$! == ${errors.notExecutable}`, 'my $a = "";')),
  // Its first number is not the one that a reboot has, which is looked at after who asks.
  'a reboot': calls([169, 142], '1, 2, 3', `$! == ${errors.invalid}`),
  // The tick is set to what it is.
  'another clock': calls(
    [159, 171],
    '$set',
    '$r >= 0',
    [
      'my $get = "\\0" x 256; syscall((POSIX::uname())[4] eq "x86_64" ? 159 : 171, $get);',
      'my $set = pack("L", 0x4000) . substr($get, 4);',
    ].join(' '),
  ),
  'a program in the kernel': calls(
    [321, 280],
    '0, $map, length $map',
    '$r >= 0',
    'my $map = pack("L5", 1, 4, 4, 1, 0) . "\\0" x 100;',
  ),
  'counters of the processor': calls(
    [298, 241],
    '$a, 0, -1, -1, 0',
    '$r >= 0',
    'my $a = pack("LLQ", 1, 64, 0) . "\\0" x 48;',
  ),
  'faults of memory in its own hands': calls([323, 282], '0'),
  'calls past the list of calls': calls([425, 425], '4, $a', '$r >= 0', 'my $a = "\\0" x 120;'),
  'a key ring of the kernel': calls(
    [248, 217],
    '$type, $name, $value, 1, -2',
    '$r >= 0',
    'my ($type, $name, $value) = ("user", "escape", "x");',
  ),
  'notice of all that is opened': calls([300, 262], '0, 0'),
};

export const escapes: Record<string, Escape> = { ...namespaces, ...mounts, ...users, ...files, ...kernel };

/** In the kernel's order, as far as engines of any age know them. */
export const capabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...['LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER'],
  ...['SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE'],
  ...['SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ'],
];
