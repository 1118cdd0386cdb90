import { optionSpec, type OptionKey } from './options.js';

/**
 * Text of a variable or a flag as the data that it stands for: maps are JSON, and so may lists be (the comma that
 * separates their entries otherwise may be in one). Text that is no JSON stays, for the option's own type to judge.
 */
export function readText(key: OptionKey, text: string): unknown {
  const { arity } = optionSpec(key).type;
  if (arity !== 'map' && !(arity === 'many' && text.trimStart().startsWith('['))) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
