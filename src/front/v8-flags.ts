/**
 * Runs in routers and workers. How V8 is to treat a server: what is read comes and goes by the megabyte. Freed by threads
 * of their own, buffers are freed late, count as memory until then, and bring on collections of the whole heap, many times
 * as many as they need (bench/wire.js and bench/router.js: streams of 1 GiB took up to four times the CPU). The main
 * thread frees them at once.
 */
import { setFlagsFromString } from 'node:v8';

export function setV8Flags(): void {
  setFlagsFromString('--no-concurrent-array-buffer-sweeping');
}
