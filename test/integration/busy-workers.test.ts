// A worker that blocks its event loop for a while: others take the new connections, and none is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon } from '../support/daemon.js';
import { GrpcJsProbe } from '../support/probe.js';

/** A worker that has not taken a connection after 200 ms gets no further ones. */
const NOTICED = 400;

test('while a worker blocks, new connections go to the other one; those it was given before are served when it is back', async () => {
  await using daemon = await startDaemon({ config: { balance: 'connection', maxWorkers: 2 } });
  await using busy = new GrpcJsProbe(daemon.address);
  const slot = (await busy.call('Probe/Identify')).messages[0]?.slot;
  let isBlocked = true;
  const blocking = busy.call('Probe/Block', { ms: 3000 }).finally(() => (isBlocked = false));

  const identify = async (probe: GrpcJsProbe) => {
    const { code, messages } = await probe.call('Probe/Identify');
    return { code, slot: messages[0]?.slot, whileBlocked: isBlocked };
  };
  const connect = (count: number) => Array.from({ length: count }, () => new GrpcJsProbe(daemon.address));
  const early = connect(8);
  const earlyAnswers = early.map(identify);
  await delay(NOTICED);
  const late = connect(8);
  const lateAnswers = await daemon.until(Promise.all(late.map(identify)), 'answers to the late clients');
  for (const answer of lateAnswers) assert.deepEqual(answer, { code: 'OK', slot: slot === 0 ? 1 : 0, whileBlocked: true });

  const answers = await daemon.until(Promise.all(earlyAnswers), 'answers to the early clients');
  assert(answers.every(({ code }) => code === 'OK'), JSON.stringify(answers));
  assert(answers.some((answer) => answer.slot === slot), 'some connections had been given to the worker that blocked');
  assert.equal((await blocking).code, 'OK');
  assert.deepEqual(daemon.log.all('worker.gone'), []);
  for (const probe of [...early, ...late]) await probe[Symbol.asyncDispose]();
});
