// Loaded into a server before its own code: its time of day is off by the milliseconds in the file that is named behind
// `?` in this module's address, also when that changes. Clocks that only measure go on as they are.

import { readFileSync } from 'node:fs';

const path = decodeURIComponent(new URL(import.meta.url).search.slice(1));
const RealDate = Date;
let offsetMs = 0;
const look = () => {
  try {
    offsetMs = Number(readFileSync(path, 'utf8')) || 0;
  } catch {
    // Until it is there.
  }
};
look();
setInterval(look, 20).unref();

globalThis.Date = class Date extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(RealDate.now() + offsetMs);
    else super(...values);
  }
  static now() {
    return RealDate.now() + offsetMs;
  }
  static [Symbol.hasInstance](value) {
    return value instanceof RealDate;
  }
};
