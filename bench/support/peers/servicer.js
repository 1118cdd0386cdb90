// The handlers of every peer on Node: those of the other benches, or one that blocks for BENCH_BLOCK milliseconds.
import { serveBlocking } from '../blocking.js';
import { grpcHook as serveBench } from '../servicer.js';

export function grpcHook(server) {
  const block = Number(process.env.BENCH_BLOCK ?? 0);
  if (block > 0) serveBlocking(server, block);
  else serveBench(server);
}
