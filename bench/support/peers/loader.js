// The process that loads: one for all, so that its own code is compiled when it counts.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpuOf } from './usage.js';

const PROGRAM = fileURLToPath(new URL('load.js', import.meta.url));
/** In milliseconds: what a load may take beyond the time that it was told. */
const PATIENCE = 100_000;
let child = null;

/** Resolves to what load.js answers, and `cpu`, the microseconds of the server's processes. Rejects when a call failed. */
export async function load({ port, expect, pids }, order) {
  const before = cpuOf(pids());
  const result = await ask({ port, expect, ...order });
  return { ...result, cpu: cpuOf(pids()) - before };
}

function ask(order) {
  child ??= fork(PROGRAM);
  const loader = child;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => loader.kill('SIGKILL'), (order.ms ?? 0) + PATIENCE);
    const over = () => {
      clearTimeout(timer);
      loader.off('message', onMessage).off('exit', onExit);
    };
    const onMessage = (result) => {
      over();
      if (result.error === undefined) resolve(result);
      else reject(new Error(result.error));
    };
    const onExit = (code, signal) => {
      over();
      child = null;
      reject(new Error(signal === null ? `the client ended with ${code}` : `no end after ${PATIENCE} ms`));
    };
    loader.on('message', onMessage).on('exit', onExit);
    loader.send(order);
  });
}
