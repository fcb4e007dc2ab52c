/** Lines that were added, removed and kept between two texts. It does not know files, languages or colours. */

export interface DiffLine {
  kind: 'same' | 'add' | 'del';
  text: string;
  /** Line numbers from 1; null on the side where the line is not. */
  before: number | null;
  after: number | null;
}

/** Above this many cells of the table the middle is shown as removed and added in one piece. */
const maxCells = 1_000_000;

const linesOf = (text: string): string[] => {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

/** Lengths of the longest common run of lines from each pair of positions to the ends. */
const lengths = (a: string[], b: string[]): Uint32Array => {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const cell = i * width + j;
      table[cell] =
        a[i] === b[j] ? (table[cell + width + 1] ?? 0) + 1 : Math.max(table[cell + width] ?? 0, table[cell + 1] ?? 0);
    }
  }
  return table;
};

type Kind = DiffLine['kind'];

const middle = (a: string[], b: string[]): { kind: Kind; text: string }[] => {
  const del = (text: string) => ({ kind: 'del' as const, text });
  const add = (text: string) => ({ kind: 'add' as const, text });
  if (a.length * b.length > maxCells) return [...a.map(del), ...b.map(add)];
  const table = lengths(a, b);
  const width = b.length + 1;
  const steps: { kind: Kind; text: string }[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const left = a[i] ?? '';
    const right = b[j] ?? '';
    if (left === right) {
      steps.push({ kind: 'same', text: left });
      i++;
      j++;
    } else if ((table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0)) {
      steps.push(del(left));
      i++;
    } else {
      steps.push(add(right));
      j++;
    }
  }
  return [...steps, ...a.slice(i).map(del), ...b.slice(j).map(add)];
};

export const diffLines = (before: string, after: string): DiffLine[] => {
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const steps = [
    ...a.slice(0, head).map((text) => ({ kind: 'same' as const, text })),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map((text) => ({ kind: 'same' as const, text })),
  ];
  let beforeLine = 0;
  let afterLine = 0;
  return steps.map(({ kind, text }) => ({
    kind,
    text,
    before: kind === 'add' ? null : ++beforeLine,
    after: kind === 'del' ? null : ++afterLine,
  }));
};

export const diffCounts = (lines: readonly DiffLine[]): { added: number; removed: number } => ({
  added: lines.filter(({ kind }) => kind === 'add').length,
  removed: lines.filter(({ kind }) => kind === 'del').length,
});
