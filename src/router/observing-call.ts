/** Runs in a router. Tells calls that only look at the server (src/shared/observing-calls.ts) by their header block, most of which stays undecoded. */
import { byteAt } from '../http2/bytes.js';
import { decodeLiteralField, walkFields } from '../http2/hpack/walk.js';
import { isObserving } from '../shared/observing-calls.js';

/** `:path: /` and `:path: /index.html`, whole fields of the static table (RFC 7541 appendix A). */
const INDEXED = 0x80;

/**
 * @param buffer with a context-free block at start..end
 * @throws ConnectionError COMPRESSION_ERROR for a broken block
 */
export function isObservingCall(buffer: Buffer, start: number, end: number): boolean {
  let found = false;
  walkFields(buffer, start, end, (from, to) => {
    // Whole fields of the static table hold no path of a call.
    if (byteAt(buffer, from) >= INDEXED) return true;
    const { name, value } = decodeLiteralField(buffer, from, to);
    found = name === ':path' && isObserving(value);
    // Pseudo-headers come first (RFC 9113 section 8.3).
    return name !== ':path' && name.startsWith(':');
  });
  return found;
}
