// What every peer serves: a call takes as long as one that waits for a database, and its answer names the version of the
// code and the process. One text makes it an endless loop, as some input does with some code.
import { Bench } from '../support/servicer.js';

/** Milliseconds of a call. */
export const CALL_TIME = 10;
export const STUCK = 'stuck';
export const AT_ONCE = 'at once';

export function serve(server, version) {
  server.addService({ Callback: Bench.service.Callback }, {
    Callback({ request: { text } }, callback) {
      if (text === STUCK) for (;;);
      setTimeout(() => callback(null, { text: `${version} ${process.pid}` }), text === AT_ONCE ? 0 : CALL_TIME);
    },
  });
}

/** The version and the process of an answer. */
export function readAnswer({ text }) {
  const [version, pid] = text.split(' ').map(Number);
  return { version, pid };
}
