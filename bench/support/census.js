// Loaded into a process before everything else (node --import, with --expose-gc): on SIGPWR it prints what it holds.
import { writeSync } from 'node:fs';

process.on('SIGPWR', () => {
  globalThis.gc();
  const resources = process.getActiveResourcesInfo().filter((name) => name !== 'Immediate');
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  const heap = process.memoryUsage().heapUsed / 2 ** 20;
  writeSync(1, `${JSON.stringify({ event: 'census', resources: resources.length, listeners, heap })}\n`);
});
