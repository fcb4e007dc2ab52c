// Runs several ways of doing one thing in turns (A B A B), so that what else the machine does hits all of them alike.

export interface Contender {
  name: string;
  /** One round: samples in milliseconds. */
  measure(): Promise<number[]>;
}

/** Samples of each round, by the contender's name. */
export type Measured = ReadonlyMap<string, readonly (readonly number[])[]>;

/** One more round goes before, unmeasured: what is loaded, compiled or cached at the first time is not the question. */
export const alternate = async (contenders: readonly Contender[], rounds = 5): Promise<Measured> => {
  const measured = new Map<string, number[][]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, measure } of contenders) {
      const samples = await measure();
      if (round > 0) measured.get(name)?.push(samples);
    }
  }
  return measured;
};
