import { ERRORS } from '../../shared/errors.js';
import { EXIT } from '../../shared/exit-codes.js';
import { generatedFrom } from './generated.js';

const EXIT_NAMES = new Map<number, string>(Object.entries(EXIT).map(([name, code]) => [code, name]));

/** docs/errors.md */
export function errorsPage(): string {
  const errors = Object.entries(ERRORS).map(([code, { exitCode, meaning, hint }]) => {
    return `## ${code}\n\n${meaning}\n\n- exit code ${exitCode} (${EXIT_NAMES.get(exitCode) ?? ''})\n- ${hint}\n`;
  });
  return `\
<!-- ${generatedFrom('src/shared/errors.ts')} -->

# Errors

Every error says what happened and where, and then what to do. In the log the code is the field \`code\` of the events
\`daemon.failed\` and \`worker.failed\`; on the command line it decides the exit code.

${errors.join('\n')}`;
}
