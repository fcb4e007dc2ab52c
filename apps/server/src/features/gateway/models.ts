// Which models may be used here, by the list of the site. It knows no call and no session.

import { AppError } from '@remote-claude/contract';

export interface ModelRules {
  /** As configured; an empty list allows any. */
  allowed: readonly string[];
  allows(model: string): boolean;
  /** Throws with the sentence of `refusal`. */
  require(model: string): void;
  /** Says what is allowed instead. */
  refusal(model: string): string;
}

const family = /^[a-z]+$/i;
const decoration = /\[[^\]]*\]$/;

/**
 * An entry that is one word is a family (`sonnet`) and stands for every model with that word in its name, whichever
 * version Claude Code makes of it. Any other entry is a model, with or without its date.
 */
const matches = (entry: string, model: string): boolean => {
  const [wanted, name] = [entry, model].map((text) => text.toLowerCase().replace(decoration, '')) as [string, string];
  if (name === wanted) return true;
  if (family.test(wanted)) return name.split(/[^a-z]+/).includes(wanted);
  return name.startsWith(wanted) && /^[-@]\d{8}$/.test(name.slice(wanted.length));
};

export const createModelRules = (allowed: readonly string[]): ModelRules => {
  const allows = (model: string): boolean => allowed.length === 0 || allowed.some((entry) => matches(entry, model));
  const refusal = (model: string): string =>
    `The model ${model.slice(0, 120)} is not allowed here. Allowed are: ${allowed.join(', ')}.`;
  return {
    allowed,
    allows,
    refusal,
    require(model) {
      if (!allows(model)) throw new AppError('unsupported_option', { message: refusal(model), allowed: [...allowed] });
    },
  };
};
