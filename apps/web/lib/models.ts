/** The words for models in the page, and which of them may be chosen here. */

export interface ModelChoice {
  value: string;
  label: string;
  hint?: string;
}

const families: readonly ModelChoice[] = [
  { value: 'opus', label: 'Opus', hint: 'Most capable.' },
  { value: 'sonnet', label: 'Sonnet', hint: 'Fast and capable.' },
  { value: 'haiku', label: 'Haiku', hint: 'Fastest.' },
];

/** Stands for no model of one's own in a list of choices. */
export const siteModel = 'site';

export const modelWord = (model: string | null): string =>
  model === null ? 'Default model' : (families.find(({ value }) => value === model)?.label ?? model);

/** `allowed` is the site's list; an empty one allows any, of which the well-known are named. */
export const modelChoices = (allowed: readonly string[]): ModelChoice[] => [
  { value: siteModel, label: 'Default model', hint: 'What this site or the session sets.' },
  ...(allowed.length === 0
    ? families
    : allowed.map((value) => families.find((family) => family.value === value) ?? { value, label: value })),
];
