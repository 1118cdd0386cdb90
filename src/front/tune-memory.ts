/**
 * Runs in routers and workers. How V8 and malloc are to treat a server: what is read comes and goes by the megabyte
 * (bench/router.js, streams of 1 GiB).
 */
import { setFlagsFromString } from 'node:v8';

/** What glibc takes as the largest usual block, in bytes: it asks the kernel for larger ones, and keeps twice as much for the next. */
const USUAL_BLOCK = 16 * 1024 * 1024;

export function tuneMemory(): void {
  // Freed by threads of their own, buffers are freed late, count as memory until then, and bring on collections of the
  // whole heap, many times as many as they need, for up to four times the CPU. The main thread frees them at once.
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
  // That frees many of them in a row, and glibc gives back to the kernel what is more than 128 KiB, which then clears each
  // page anew for the next megabytes. Once it has freed a large block (this one, never touched, goes with the first
  // collection), it keeps more (mallopt(3), M_TRIM_THRESHOLD).
  Buffer.allocUnsafeSlow(USUAL_BLOCK);
}
