/** The sizes of a session to choose from, made of what the site gives. Pure. */
import type { About, SessionConfig } from '@remote-claude/contract';

type Resources = About['resources']['usual'];

export const usualSize = 'usual';

export interface Size {
  value: string;
  label: string;
  hint: string;
  /** What is asked for; the usual asks for nothing, so that it follows the site. */
  request: SessionConfig['resources'];
}

const wordsOf = ({ cpus, memoryMb }: Resources): string =>
  `${cpus} ${cpus === 1 ? 'core' : 'cores'}, ${memoryMb < 1024 ? `${memoryMb} MB` : `${Math.round((memoryMb / 1024) * 10) / 10} GB`} of memory`;

/** Half the usual, the usual, and the most; only those that differ. */
export const sizesOf = ({ usual, most }: About['resources']): Size[] => {
  const small: Resources = {
    cpus: Math.max(0.5, usual.cpus / 2),
    memoryMb: Math.max(1024, Math.floor(usual.memoryMb / 2)),
  };
  const isLess = (one: Resources, other: Resources): boolean =>
    one.cpus <= other.cpus && one.memoryMb <= other.memoryMb && wordsOf(one) !== wordsOf(other);
  const sizes: Size[] = [
    { value: 'small', label: 'Small', hint: wordsOf(small), request: small },
    { value: usualSize, label: 'Usual', hint: wordsOf(usual), request: undefined },
    { value: 'large', label: 'Large', hint: wordsOf(most), request: most },
  ];
  return sizes.filter(
    ({ value }) => value === usualSize || (value === 'small' ? isLess(small, usual) : isLess(usual, most)),
  );
};
