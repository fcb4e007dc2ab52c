/**
 * Builds the seccomp filter of a place as a classic BPF program, in the form `bwrap --seccomp FD` reads. It knows
 * instructions and arguments; which calls are refused is `syscalls.ts`.
 */
import { syscallsOf } from './syscalls.js';
import type { Processor } from './syscalls.js';

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, operand: number];

const loadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
const jumpEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const jumpAtLeast = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const jumpAnyBit = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const giveBack = 0x06; // BPF_RET | BPF_K

const allow = 0x7fff0000;
const killProcess = 0x80000000;
const errno = (number: number) => 0x00050000 | number;
const EPERM = 1;
const EINVAL = 22;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

// Offsets in struct seccomp_data; both processors are little-endian, so an argument's low word comes first.
const offsetOfNumber = 0;
const offsetOfArchitecture = 4;
const offsetOfArgument = (index: number) => 16 + 8 * index;

const architectures: Record<Processor, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
const x32Bit = 0x40000000;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const newNamespaceBits = 0x7e020000;
/** In `unshare` alone; in `clone` this bit is part of the exit signal. */
const newTimeNamespaceBit = 0x80;
/** Typing into another's terminal, and its cousin on the console. */
const typingRequests = [0x5412, 0x541c]; // TIOCSTI, TIOCLINUX
/** Unix, IPv4, IPv6, netlink: what a network namespace contains. Others, vsock above all, reach past it. */
const socketFamilies = [1, 2, 10, 16];
/** PER_LINUX, PER_LINUX32, UNAME26 with both, ADDR_NO_RANDOMIZE (debuggers), and the question 0xffffffff. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0x40000, 0xffffffff];

const refuse = (number: number, answer: number): Instruction[] => [
  [jumpEqual, 0, 1, number],
  [giveBack, 0, 0, answer],
];

/** Loads one argument of one call and decides; other calls jump over the whole block. */
function examine(number: number, argument: number, decide: Instruction[]): Instruction[] {
  return [[jumpEqual, 0, decide.length + 1, number], [loadWord, 0, 0, offsetOfArgument(argument)], ...decide];
}

const refuseBits = (bits: number): Instruction[] => [
  [jumpAnyBit, 0, 1, bits],
  [giveBack, 0, 0, errno(EPERM)],
  [giveBack, 0, 0, allow],
];

const oneOf = (values: number[], then: number, otherwise: number): Instruction[] => [
  ...values.flatMap((value) => refuse(value, then)),
  [giveBack, 0, 0, otherwise],
];

export function isKnownProcessor(arch: string): arch is Processor {
  return arch === 'x64' || arch === 'arm64';
}

export function buildSeccompFilter(processor: Processor): Buffer {
  const calls = syscallsOf(processor);
  const program: Instruction[] = [
    [loadWord, 0, 0, offsetOfArchitecture],
    [jumpEqual, 1, 0, architectures[processor]],
    [giveBack, 0, 0, killProcess],
    [loadWord, 0, 0, offsetOfNumber],
    ...(processor === 'x64'
      ? ([
          [jumpAtLeast, 0, 1, x32Bit],
          [giveBack, 0, 0, errno(ENOSYS)],
        ] as const)
      : []),
    ...calls.forbidden.flatMap((number) => refuse(number, errno(EPERM))),
    ...calls.absent.flatMap((number) => refuse(number, errno(ENOSYS))),
    ...examine(calls.examined.clone, 0, refuseBits(newNamespaceBits)),
    ...examine(calls.examined.unshare, 0, refuseBits(newNamespaceBits | newTimeNamespaceBit)),
    ...examine(calls.examined.ioctl, 1, oneOf(typingRequests, errno(EPERM), allow)),
    ...examine(calls.examined.personality, 0, oneOf(personalities, allow, errno(EINVAL))),
    ...examine(calls.examined.socket, 0, oneOf(socketFamilies, allow, errno(EAFNOSUPPORT))),
    ...examine(calls.examined.socketpair, 0, oneOf([1], allow, errno(EAFNOSUPPORT))),
    [giveBack, 0, 0, allow],
  ];
  return encode(program);
}

function encode(program: Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, operand], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand >>> 0, index * 8 + 4);
  });
  return bytes;
}
