import { misfit } from './faults.js';

/** How much of a padded frame's payload is padding (RFC 9113 section 6.1); it begins with that octet. @throws ConnectionError */
export function paddingOf(buffer: Buffer, start: number, end: number): number {
  if (start >= end) throw misfit('a padded frame');
  return buffer[start] ?? 0;
}
