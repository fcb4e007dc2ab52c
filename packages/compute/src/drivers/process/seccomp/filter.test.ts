import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildSeccompFilter } from './filter.js';
import { namedSyscalls } from './syscalls.js';

const allow = 0x7fff0000;
const kill = 0x80000000;
const errno = (number: number) => 0x00050000 | number;
const architecture = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** The kernel's own way through a classic BPF program, for the few instructions the filter uses. */
function decide(filter: Buffer, call: { architecture: number; number: number; args?: bigint[] }): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.architecture >>> 0, 4);
  (call.args ?? []).forEach((value, index) => data.writeBigUInt64LE(value, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at * 8 < filter.length; at++) {
    const code = filter.readUInt16LE(at * 8);
    const operand = filter.readUInt32LE(at * 8 + 4);
    const jump = (met: boolean) => filter.readUInt8(at * 8 + (met ? 2 : 3));
    if (code === 0x20) accumulator = data.readUInt32LE(operand);
    else if (code === 0x15) at += jump(accumulator === operand);
    else if (code === 0x35) at += jump(accumulator >= operand);
    else if (code === 0x45) at += jump((accumulator & operand) !== 0);
    else if (code === 0x06) return operand;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('the program ran past its end');
}

for (const processor of ['x64', 'arm64'] as const) {
  const column = processor === 'x64' ? 0 : 1;
  const filter = buildSeccompFilter(processor);
  const numberOf = (name: string) => namedSyscalls()[name]?.[column] ?? -1;
  const answer = (name: string, ...args: bigint[]) =>
    decide(filter, { architecture: architecture[processor], number: numberOf(name), args });

  describe(`the filter for ${processor}`, () => {
    it('refuses every call of the table, and allows ordinary ones', () => {
      const examined = ['clone', 'unshare', 'ioctl', 'personality', 'socket', 'socketpair'];
      const absent = ['clone3', 'io_uring_setup', 'io_uring_enter', 'io_uring_register'];
      for (const [name, numbers] of Object.entries(namedSyscalls())) {
        if (numbers[column] === null || examined.includes(name)) continue;
        expect(answer(name), name).toBe(errno(absent.includes(name) ? 38 : 1));
      }
      const ordinary =
        processor === 'x64' ? [0, 1, 2, 3, 9, 39, 57, 59, 202, 257, 317] : [56, 57, 63, 64, 172, 221, 222, 277];
      for (const number of ordinary)
        expect(decide(filter, { architecture: architecture[processor], number })).toBe(allow);
    });

    it('looks at arguments where only some are harmful', () => {
      expect(answer('clone', 0x11n)).toBe(allow); // fork
      expect(answer('clone', 0x3d0f00n)).toBe(allow); // a thread
      for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n]) {
        expect(answer('clone', flag | 0x11n)).toBe(errno(1));
        expect(answer('unshare', flag)).toBe(errno(1));
      }
      expect(answer('unshare', 0x80n)).toBe(errno(1));
      expect(answer('unshare', 0x400n)).toBe(allow); // CLONE_FILES
      expect(answer('ioctl', 0n, 0x5412n)).toBe(errno(1));
      expect(answer('ioctl', 0n, 0xffffffff_00005412n)).toBe(errno(1)); // the kernel cuts the upper half
      expect(answer('ioctl', 0n, 0x5413n)).toBe(allow);
      for (const family of [1n, 2n, 10n, 16n]) expect(answer('socket', family)).toBe(allow);
      for (const family of [0n, 17n, 38n, 40n, 44n]) expect(answer('socket', family)).toBe(errno(97));
      expect(answer('socketpair', 1n)).toBe(allow);
      expect(answer('socketpair', 40n)).toBe(errno(97));
      expect(answer('personality', 0xffffffffn)).toBe(allow);
      expect(answer('personality', 0x0400000n)).toBe(errno(22)); // READ_IMPLIES_EXEC
    });

    it('kills what calls by the table of another processor', () => {
      for (const other of [architecture.x64, architecture.arm64, 0x40000003]) {
        if (other === architecture[processor]) continue;
        expect(decide(filter, { architecture: other, number: 1 })).toBe(kill);
      }
    });
  });
}

describe('the table of system calls', () => {
  it('refuses the second table of x86-64', () => {
    const call = { architecture: architecture.x64, number: 0x40000000 + 39 };
    expect(decide(buildSeccompFilter('x64'), call)).toBe(errno(38));
  });

  const headers = ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm-generic/unistd.h'];
  it.skipIf(!headers.every((path) => existsSync(path)))('has the numbers of the system headers', () => {
    const compared = headers.map((path, column) => {
      const text = readFileSync(path, 'utf8');
      let count = 0;
      for (const [name, numbers] of Object.entries(namedSyscalls())) {
        const number = new RegExp(`__NR(?:3264)?_${name}\\s+(\\d+)`).exec(text)?.[1];
        if (number === undefined) continue;
        expect(Number(number), name).toBe(numbers[column]);
        count++;
      }
      return count;
    });
    expect(compared[0]).toBeGreaterThan(55);
    expect(compared[1]).toBeGreaterThan(45);
  });
});
