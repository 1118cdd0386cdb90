/** Runs in the primary. Cuts what user code prints in a worker into whole lines. */
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** A line longer than this many characters is passed on in pieces, so that memory stays bounded. */
const LONGEST_LINE = 64 * 1024;

/** Calls `onLine` for every line of the stream, and for an unfinished last one at its end. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): void => {
    rest += text;
    let start = 0;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', start)) {
      onLine(rest.slice(start, rest[end - 1] === '\r' ? end - 1 : end));
      start = end + 1;
    }
    rest = rest.slice(start);
    while (rest.length > LONGEST_LINE) {
      onLine(rest.slice(0, LONGEST_LINE));
      rest = rest.slice(LONGEST_LINE);
    }
  };
  stream.on('data', (chunk: Buffer) => {
    take(decoder.write(chunk));
  });
  stream.on('end', () => {
    take(decoder.end());
    if (rest !== '') onLine(rest);
    rest = '';
  });
  // The pipe of a killed process; its exit is reported elsewhere.
  stream.on('error', () => undefined);
}
