/**
 * The descriptors a place's first process gets. Node marks what it inherited itself as close-on-exec only up to the
 * first gap in the numbers; what lies behind (a supervisor's sockets, a shell's pipes) would be a hole into a place. So
 * each such number is covered. It does not know who left them.
 */
import { readdirSync } from 'node:fs';
import { readText } from './host-processes.js';

const closeOnExec = 0o2000000;

/** Own descriptors that a child would inherit, standard ones left out. */
function leakingDescriptors(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => {
      const flags = /^flags:\s+([0-7]+)$/m.exec(readText(`/proc/self/fdinfo/${fd}`) ?? '')?.[1];
      return fd > 2 && flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
    });
}

/** `wanted` from 0 up, and `nothing` (a descriptor of /dev/null) at each number that would leak. */
export function sealedStdio<Slot>(wanted: Slot[], nothing: number): (Slot | number | 'ignore')[] {
  const slots: (Slot | number | 'ignore')[] = [...wanted];
  for (const fd of leakingDescriptors()) {
    if (fd < wanted.length) continue;
    while (slots.length < fd) slots.push('ignore');
    slots[fd] = nothing;
  }
  return slots;
}
