// What the attempts to leave a session's place have in common: a line each for whoever runs them. It tries nothing itself.

export interface Tried {
  what: string;
  outcome: string;
  held: boolean;
}

export interface AttemptTable {
  /** Answers whether it held. */
  add(tried: Tried): boolean;
  count(): number;
  print(): void;
}

/** Lines are kept until the end, so that they stand together. */
export const createTable = (title: string): AttemptTable => {
  const lines: string[] = [];
  let notHeld = 0;
  return {
    add({ what, outcome, held }) {
      const said = outcome.replaceAll(/\s+/g, ' ').trim().slice(0, 60);
      lines.push(`${what.padEnd(56)} ${(held ? 'held' : 'NOT HELD').padEnd(9)} ${said}`);
      if (!held) notHeld += 1;
      return held;
    },
    count: () => lines.length,
    print: () =>
      void process.stdout.write(
        [`${title}: ${lines.length} attempts, ${notHeld} not held`, ...lines, ''].map((line) => `${line}\n`).join(''),
      ),
  };
};
