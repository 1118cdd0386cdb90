import { OPTION_KEYS, SECTIONS, optionSpec, type OptionKey } from '../options.js';
import { generatedFrom } from './generated.js';
import { groupKeys, lastSegment } from './tree.js';
import { toYaml, writtenValue } from './written-value.js';

/** What stands in the example for the one option without a default. */
const EXAMPLE_SERVICERS = '[./greeter.js]';
const WIDTH = 100;

/** config/grpcserverd.example.yaml: every option, commented out, with its default. */
export function exampleFile(): string {
  const sections = SECTIONS.map((section) => {
    const groups = groupKeys(OPTION_KEYS.filter((key) => optionSpec(key).section === section));
    return `# --- ${section} ---\n\n${groups.map(([head, keys]) => group(head, keys)).join('\n')}`;
  });
  return `\
# ${generatedFrom('src/config/options.ts')}
# Every option with its default. Copy it to grpcserverd.config.yaml and take the "#" away where you want another value.

${sections.join('\n')}`;
}

function group(head: string, keys: readonly OptionKey[]): string {
  if (keys[0] === head) return keys.map((key) => entry(key, '')).join('\n');
  return `#${head}:\n${keys.map((key) => entry(key, '  ')).join('')}`;
}

function entry(key: OptionKey, indent: string): string {
  const { doc, default: fallback } = optionSpec(key);
  const value = fallback === undefined ? EXAMPLE_SERVICERS : toYaml(writtenValue(key, fallback));
  return `${wrap(doc).map((line) => `${indent === '' ? '' : `#${indent}`}# ${line}\n`).join('')}#${indent}${lastSegment(key)}: ${value}\n`;
}

/** The text in lines of at most WIDTH characters. */
function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
