// Values of a label that come from outside: the first ones by their name, the others as one. It knows no metric.

const otherLabel = 'other';

/** Of at most `max` values; what is no plain name is one of the others. */
export const createCappedLabel = (max: number): ((value: string) => string) => {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= max || !/^[\w.:@/-]{1,80}$/.test(value)) return otherLabel;
    known.add(value);
    return value;
  };
};
