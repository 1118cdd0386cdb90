import { snakeCase } from '../key-spelling.js';
import { optionSpec, type OptionKey } from '../options.js';
import { groupKeys, lastSegment } from './tree.js';
import { writtenValue } from './written-value.js';

type Schema = Readonly<Record<string, unknown>>;

/** The JSON Schema (2020-12) of config files, for editors. Keys may be camelCase or snake_case. */
export function configSchema(): Schema {
  const groups = groupKeys().map(([head, keys]): [string, Schema] => [head, keys[0] === head ? optionSchema(keys[0]) : groupSchema(keys)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Config of grpcserverd',
    type: 'object',
    properties: { $schema: { type: 'string' }, ...bothSpellings(groups) },
    additionalProperties: false,
  };
}

function groupSchema(keys: readonly OptionKey[]): Schema {
  return {
    type: ['object', 'null'],
    properties: bothSpellings(keys.map((key) => [lastSegment(key), optionSchema(key)])),
    additionalProperties: false,
  };
}

function optionSchema(key: OptionKey): Schema {
  const { doc, type, default: fallback } = optionSpec(key);
  return { description: doc, ...(fallback === undefined ? {} : { default: writtenValue(key, fallback) }), ...type.schema };
}

function bothSpellings(entries: readonly (readonly [string, Schema])[]): Schema {
  return Object.fromEntries(entries.flatMap(([key, schema]) => [...new Set([key, snakeCase(key)])].map((spelling) => [spelling, schema])));
}
