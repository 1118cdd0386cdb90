/** Runs in the primary. Files as people hear of them. */
import { displayPath } from '../../config/origin.js';

/** `src/greeter.ts`, or `src/greeter.ts and 3 more`. */
export function nameFiles(files: readonly string[]): string {
  const [first = '', ...others] = files.map((file) => displayPath(file, process.cwd()));
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
