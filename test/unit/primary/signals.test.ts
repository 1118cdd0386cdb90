import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Signals } from '#src/primary/signals.js';
import { FakeClock } from '../../support/fake-clock.js';

test('signals that come before anybody obeys wait, in their order, and two at once are no impatience', () => {
  const clock = new FakeClock();
  const signals = new Signals(clock);
  const orders: string[] = [];
  const say = (signal: NodeJS.Signals): void => void process.emit(signal, signal);
  try {
    for (const signal of ['SIGHUP', 'SIGTTIN', 'SIGTERM', 'SIGTERM'] as const) say(signal);
    assert.equal(orders.length, 0);
    signals.obey({
      stop: (cause, quick) => void orders.push(`stop ${cause} ${quick ? 'quick' : 'graceful'}`),
      reload: (cause, sameConfig) => void orders.push(`reload ${cause} ${sameConfig ? 'same' : 'fresh'}`),
      scaleBy: (difference) => void orders.push(`scale ${difference}`),
    });
    assert.deepEqual(orders.splice(0), ['reload SIGHUP fresh', 'scale 1', 'stop SIGTERM graceful', 'stop SIGTERM graceful']);
    clock.advance(1000);
    for (const signal of ['SIGTERM', 'SIGUSR2', 'SIGTTOU', 'SIGQUIT'] as const) say(signal);
    assert.deepEqual(orders, ['stop SIGTERM quick', 'reload SIGUSR2 same', 'scale -1', 'stop SIGQUIT quick']);
  } finally {
    signals.close();
  }
  assert.equal(process.listenerCount('SIGHUP'), 0);
});
