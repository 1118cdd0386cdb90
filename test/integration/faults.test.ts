import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import type { CallFault } from '#src/worker/calls/call-fault.js';
import type { Fault } from '#src/worker/calls/faults.js';
import { invoke, KINDS, type InvokeOptions, type Kind, type Outcome } from '../support/call-rig.js';

const { OK, INTERNAL } = grpc.status;

interface Report {
  readonly inFlight: number;
  readonly faults: readonly CallFault[];
}

describe('an exception that nobody catches', { timeout: 60_000 }, () => {
  let child: ChildProcess;
  let client: grpc.Client;
  let innocent: grpc.Client;
  const faults: Fault[] = [];

  before(async () => {
    child = fork(new URL('../support/faulty-server.js', import.meta.url));
    const [{ address }] = (await once(child, 'message')) as [{ address: string }];
    client = new grpc.Client(address, grpc.credentials.createInsecure());
    innocent = new grpc.Client(address, grpc.credentials.createInsecure());
    child.on('message', (message: { fault?: Fault }) => {
      if (message.fault !== undefined) faults.push(message.fault);
    });
  });
  beforeEach(() => faults.splice(0));
  after(async () => {
    client.close();
    innocent.close();
    child.disconnect();
    assert.deepEqual(await once(child, 'exit'), [0, null]);
  });

  const run = (kind: Kind, name: string, options: InvokeOptions & { interceptor?: string } = {}, of = client): Promise<Outcome> => {
    const metadata = new grpc.Metadata();
    metadata.set('case', name);
    if (options.interceptor !== undefined) metadata.set('interceptor', options.interceptor);
    return invoke(of, kind, { ...options, metadata });
  };
  const ask = (): Promise<Report> =>
    new Promise((resolve) => {
      const listen = (message: Partial<Report>): void => {
        if (message.inFlight === undefined) return;
        child.off('message', listen);
        resolve(message as Report);
      };
      child.on('message', listen);
      child.send('report');
    });

  const ANYWHERE = [
    'throws in a timer', 'throws in a tick', 'throws in an immediate', 'throws when a file has been read',
    'leaves a rejection alone', 'leaves a rejection alone after an await',
  ];
  const STREAMED = ['throws at the end of the messages', 'rejects in a listener of data'];
  for (const kind of KINDS) {
    const streamed = kind === 'clientStream' || kind === 'bidi' ? STREAMED : [];
    for (const name of [...ANYWHERE, ...streamed]) {
      test(`ends the one call with INTERNAL when a ${kind} handler ${name}`, async () => {
        const waiting = run('unary', 'waits', {}, innocent);
        const outcome = await run(kind, name);
        assert.deepEqual([outcome.code, outcome.details], [INTERNAL, 'Internal error']);
        assert.deepEqual(faults.map(({ error, method }) => [error.split('\n')[0], method]), [['Error: fault', `/test.Calls/${kind}`]]);
        assert.equal((await run('unary', 'lets the others go on')).code, OK);
        assert.deepEqual((await waiting).messages, ['waited']);
        assert.equal((await ask()).inFlight, 0);
      });
    }
  }

  test('is told by its kind', async () => {
    await run('unary', 'throws in a timer');
    await run('unary', 'leaves a rejection alone');
    assert.deepEqual(faults.map(({ kind }) => kind), ['uncaughtException', 'unhandledRejection']);
  });

  test('is that of no call when no call caused it', async () => {
    child.send('fail');
    await ask();
    assert.deepEqual(faults.map(({ kind, method }) => [kind, method]), [['uncaughtException', null]]);
    assert.match(faults[0]?.error ?? '', /^Error: fault\n +at /);
  });

  test('is reported with its call when that has been cancelled', async () => {
    const cancel = { onCall: (call: grpc.Call) => setTimeout(() => call.cancel(), 30) };
    await run('bidi', 'rejects once cancelled', cancel);
    await ask();
    assert.deepEqual(faults.map(({ method }) => method), ['/test.Calls/bidi']);
  });

  test('never leaves the call when it is thrown by a listener of "cancelled"', async () => {
    const cancel = { onCall: (call: grpc.Call) => setTimeout(() => call.cancel(), 30) };
    await run('unary', 'throws once cancelled', cancel);
    const { faults: reports, inFlight } = await ask();
    assert.deepEqual([faults, inFlight], [[], 0]);
    assert.match(reports.at(-1)?.error ?? '', /^Error: fault/);
    assert.equal(reports.at(-1)?.code, 'CANCELLED');
  });

  test('ends the call of an interceptor that rejects', async () => {
    const outcome = await run('unary', 'waits', { interceptor: 'rejects' });
    assert.deepEqual([outcome.code, outcome.details], [INTERNAL, 'Internal error']);
    assert.deepEqual(faults.map(({ kind, method }) => [kind, method]), [['unhandledRejection', '/test.Calls/unary']]);
  });

  test('never ends the call in whose context an interceptor went on', async () => {
    const guilty = run('bidi', 'throws in a timer', { interceptor: 'holds' });
    const helper = await run('unary', 'lets the others go on');
    assert.deepEqual([helper.code, helper.messages], [OK, ['let go']]);
    assert.equal((await guilty).code, INTERNAL);
    assert.deepEqual(faults.map(({ method }) => method), ['/test.Calls/bidi']);
  });
});
