/**
 * Bytes to be kept. A subarray keeps all memory of its buffer, which is a chunk of up to 64 KiB from a socket: a piece
 * that is less than this share of it is copied.
 */
const LEAST_SHARE = 1 / 4;

export function pieceOf(buffer: Buffer, start: number, end: number): Buffer {
  const size = end - start;
  if (size >= buffer.buffer.byteLength * LEAST_SHARE) return buffer.subarray(start, end);
  const copy = Buffer.allocUnsafe(size);
  buffer.copy(copy, 0, start, end);
  return copy;
}
