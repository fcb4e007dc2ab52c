import { expect, it } from 'vitest';

import { sizesOf } from './sizes';

const of = (usual: [number, number], most: [number, number]) =>
  sizesOf({
    usual: { cpus: usual[0], memoryMb: usual[1] },
    most: { cpus: most[0], memoryMb: most[1] },
  }).map(({ label, hint, request }) => [label, hint, request]);

it('offers half the usual, the usual and the most, where they differ', () => {
  expect(of([2, 4096], [4, 8192])).toEqual([
    ['Small', '1 core, 2 GB of memory', { cpus: 1, memoryMb: 2048 }],
    ['Usual', '2 cores, 4 GB of memory', undefined],
    ['Large', '4 cores, 8 GB of memory', { cpus: 4, memoryMb: 8192 }],
  ]);
  expect(of([2, 4096], [2, 4096]).map(([label]) => label)).toEqual(['Small', 'Usual']);
  expect(of([0.5, 768], [0.5, 768])).toEqual([['Usual', '0.5 cores, 768 MB of memory', undefined]]);
});
