/** Runs in a worker. */
import { AsyncResource } from 'node:async_hooks';
import type { LeanStream } from './lean-stream.js';

/** Tells streams of their end in the tick after: one tick for all that end meanwhile, and in nobody's name. */
export class EndQueue {
  #ended: LeanStream[] = [];
  // The tick would otherwise run in the async context of the call that ended first.
  readonly #resource = new AsyncResource('GRPC_STREAM_ENDS');

  push(stream: LeanStream): void {
    if (this.#ended.push(stream) === 1) process.nextTick(tell, this);
  }

  flush(): void {
    const ended = this.#ended;
    this.#ended = [];
    this.#resource.runInAsyncScope(tellAll, null, ended);
  }
}

function tell(queue: EndQueue): void {
  queue.flush();
}

function tellAll(ended: readonly LeanStream[]): void {
  for (const stream of ended) stream.tellClose();
}
