import { describe, expect, it } from 'vitest';
import { sharedKernelProfile } from './seccomp.js';
import { allowedCalls } from './syscalls.js';

interface Rule {
  names: string[];
  action: string;
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo: number; op: string }[];
}
const { defaultAction, syscalls } = JSON.parse(sharedKernelProfile) as { defaultAction: string; syscalls: Rule[] };
const rulesOf = (name: string): Rule[] => syscalls.filter(({ names }) => names.includes(name));

describe('the profile of containers on the kernel of the machine', () => {
  it('refuses what it does not name', () => {
    expect(defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(new Set(allowedCalls).size).toBe(allowedCalls.length);
    expect(allowedCalls.every((name) => /^[a-z0-9_]+$/.test(name))).toBe(true);
  });

  it('names nothing that mounts, leaves a namespace, changes the machine or works around it', () => {
    const harmful =
      /mount|^(fsopen|fsconfig|fspick|open_tree)|setns|pivot|chroot|reboot|swap|module|kexec|bpf|perf_|io_uring|userfault|key|handle_at|host|domainname|settimeofday|clock_set|clock_adj|iop[le]|quota|acct|syslog|fanotify|kcmp|vhangup|lookup_dcookie|pidfd_getfd/;
    // What a handle is made by opens nothing.
    expect(allowedCalls.filter((name) => harmful.test(name))).toEqual([
      'name_to_handle_at',
      'pkey_alloc',
      'pkey_free',
      'pkey_mprotect',
    ]);
  });

  it('looks at arguments where only some are harmful', () => {
    for (const name of ['clone', 'unshare', 'socket', 'socketpair', 'personality']) {
      expect(allowedCalls).not.toContain(name);
      const rules = rulesOf(name);
      expect([name, rules.every(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args?.length === 1)]).toEqual([
        name,
        true,
      ]);
    }
    expect(rulesOf('clone')[0]?.args?.[0]).toMatchObject({ value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' });
    expect(rulesOf('unshare')[0]?.args?.[0]).toMatchObject({ value: 0x7e020080, valueTwo: 0 });
    const families = rulesOf('socket').map(({ args }) => args?.[0]?.value);
    expect(families).toEqual([1, 2, 10, 16]);
    expect(rulesOf('clone3')).toMatchObject([{ action: 'SCMP_ACT_ERRNO', errnoRet: 38 }]);
  });
});
