import { flagName, environmentName, snakeCase } from '../key-spelling.js';
import { OPTION_KEYS, SECTIONS, optionSpec, type OptionKey } from '../options.js';
import { generatedFrom } from './generated.js';
import { toYaml, writtenValue } from './written-value.js';

const INTRODUCTION = `\
# Options

Every option can be given in the config file, by an environment variable, or by a flag of \`grpcserverd start\`. A
flag wins over a variable, a variable over the file, the file over the default. \`grpcserverd config show --origin\`
prints what is in effect and why.

- **File**: \`grpcserverd.config.*\`, else \`config/grpcserverd.*\`, else \`/etc/grpcserverd/config.*\`; or what
  \`--config\` or \`GRPCSERVERD_CONFIG\` names. It may end in \`.ts .mts .js .mjs .cjs .json .yaml .yml .toml\`; two in one
  place are an error. Keys are camelCase or snake_case. Relative paths start from the folder of the file.
- **Environment**: an empty variable counts as not set. Lists are separated by commas (or a JSON array), maps are
  JSON. Relative paths start from the current folder.
- **Flags**: may be spelled with hyphens or underscores. Flags of lists may be repeated, maps are JSON.
- Durations need a unit (\`500ms\`, \`30s\`, \`5m\`); sizes are bytes or have one (\`4MiB\`); what can be off is turned off by
  \`off\`, \`false\` or \`null\`.
- *Reload* says that a new value counts from the next reload on; *restart*, that the daemon has to be restarted.
`;

/** docs/options.md */
export function optionsPage(): string {
  const sections = SECTIONS.map((section) => {
    const keys = OPTION_KEYS.filter((key) => optionSpec(key).section === section);
    return `## ${section}\n\n${keys.map(entry).join('\n')}`;
  });
  return `<!-- ${generatedFrom('src/config/options.ts')} -->\n\n${INTRODUCTION}\n${sections.join('\n')}`;
}

function entry(key: OptionKey): string {
  const { doc, type, applies, default: fallback } = optionSpec(key);
  const value = fallback === undefined ? '**required**' : `default \`${toYaml(writtenValue(key, fallback))}\``;
  const snake = snakeCase(key);
  const flags = type.arity === 'switch' ? `\`--${flagName(key)}\`, \`--no-${flagName(key)}\`` : `\`--${flagName(key)}\``;
  return `\
### ${key}

${sentence(doc)}

- ${value}; ${type.expects}
- ${snake === key ? '' : `\`${snake}\`, `}${flags}, \`${environmentName(key)}\`; ${applies}
`;
}

const sentence = (doc: string): string => (doc.endsWith('.') ? doc : `${doc}.`);
