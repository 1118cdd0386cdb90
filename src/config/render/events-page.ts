import { EVENTS, type EventSpec } from '../../shared/events.js';
import { generatedFrom } from './generated.js';

/** docs/events.md */
export function eventsPage(): string {
  const events = Object.entries<EventSpec>(EVENTS).map(([name, { level, doc, fields }]) => {
    const list = Object.entries(fields).map(([field, meaning]) => `- \`${field}\`: ${meaning}\n`);
    return `## ${name}\n\n${doc} Level ${level}.\n${list.length === 0 ? '' : `\n${list.join('')}`}`;
  });
  return `\
<!-- ${generatedFrom('src/shared/events.ts')} -->

# Log events

The log is one JSON object a line (\`log.format: json\`, the default unless a terminal reads it). Alerts and queries may
rely on the names and fields below. Every line also has \`time\`, \`level\`, \`event\`, \`role\` (primary or worker) and \`pid\`;
those of a worker also \`slot\` and \`generation\`.

${events.join('\n')}`;
}
