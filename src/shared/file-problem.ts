import { systemCode } from './errors.js';

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links go round in a circle',
};

/** Why a file could not be read, in words that fit after "cannot read X: ". */
export function fileProblem(error: unknown): string {
  const code = systemCode(error) ?? '';
  return PROBLEMS[code] ?? (error instanceof Error ? error.message : code);
}
