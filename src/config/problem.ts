import { DaemonError, type ErrorCode } from '../shared/errors.js';

/** One thing that is wrong with the settings; all of them are collected, then told at once. */
export interface Problem {
  readonly code: Extract<ErrorCode, 'E_CONFIG_KEY' | 'E_CONFIG_VALUE'>;
  /** Where, and what. */
  readonly message: string;
  readonly hint?: string;
}

/** As many as fit on one screen with what stands around them. */
const SHOWN = 12;

/** The problems as one error; the first gives the code. */
export function problemsError(problems: readonly [Problem, ...Problem[]]): DaemonError {
  const [first, ...others] = problems;
  if (others.length === 0) {
    return new DaemonError(first.code, first.message, first.hint === undefined ? {} : { hint: first.hint });
  }
  const lines = problems.slice(0, SHOWN).map(({ message, hint }) => `  ${message}${hint === undefined ? '' : `. ${hint}`}`);
  if (problems.length > SHOWN) lines.push(`  and ${problems.length - SHOWN} more`);
  return new DaemonError(first.code, `${problems.length} problems in the settings\n${lines.join('\n')}`, {
    hint: 'docs/options.md lists every option and what it accepts.',
  });
}
