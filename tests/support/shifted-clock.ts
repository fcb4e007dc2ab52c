// Loaded into a server before anything else: its wall clock is off by what a file says, in milliseconds, whenever that is
// written anew. Monotonic time is as it was, as when a machine's clock is set.

import { readFileSync } from 'node:fs';

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const Machine = Date;
let offMs = 0;
const look = (): void => {
  offMs = Number(readFileSync(file, 'utf8'));
};
look();
setInterval(look, 100).unref();

globalThis.Date = class extends Machine {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(Machine.now() + offMs);
    else super(...given);
  }
  static override now(): number {
    return Machine.now() + offMs;
  }
} as DateConstructor;
