import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { KINDS, type Kind, type LooseCall, type LooseHandler } from '../../../support/call-rig.js';
import { startLeanRig, type LeanRig } from '../../../support/lean-rig.js';
import { frame, requestFields, type LinkCall } from '../../../support/link-client.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the client has done when the call ends, and what the handler does when it gets it. */
const POINTS: Record<string, { readonly send: (call: LinkCall) => void; readonly answer: 'nothing' | 'metadata' | 'much' }> = {
  'after its headers': { send: () => undefined, answer: 'nothing' },
  'within a prefix': { send: (call) => call.send(frame('abc').subarray(0, 3)), answer: 'nothing' },
  'within a message': { send: (call) => call.send(frame('abc').subarray(0, 7)), answer: 'nothing' },
  'after a message': { send: (call) => call.send(frame('abc')), answer: 'nothing' },
  'after many messages': { send: (call) => call.sendCut(Buffer.concat(Array.from({ length: 50 }, () => frame('abc'))), 100), answer: 'nothing' },
  'after all messages': { send: (call) => call.send(frame('abc'), true), answer: 'nothing' },
  'after the headers of the answer': { send: (call) => call.send(frame('abc'), true), answer: 'metadata' },
  'while its answer waits for the window': { send: (call) => call.send(frame('abc'), true), answer: 'much' },
};

const ENDS: Record<string, (rig: LeanRig, call: LinkCall) => void> = {
  'a reset': (_rig, call) => call.cancel(),
  'the end of the link': ({ session }, call) => {
    call.isOver = true;
    session.close();
  },
};

for (const [end, run] of Object.entries(ENDS)) {
  describe(`${end}, `, () => {
    for (const kind of KINDS) {
      for (const [point, { send, answer }] of Object.entries(POINTS)) {
        test(`${point} of a ${kind} call: told once to its handler, and nothing is left`, async () => {
          const entered: LooseCall[] = [];
          let cancels = 0;
          const rig = startLeanRig({ givesWindows: false, handlers: { [kind]: handlerOf(answer, (call) => {
            entered.push(call);
            call.on('cancelled', () => (cancels += 1));
          }) } });
          const call = rig.client.begin(requestFields(`/test.Calls/${kind}`, [['grpc-timeout', '1H']]));
          send(call);
          await turn();
          const frames = rig.client.log.length;
          assert.ok(answer === 'nothing' || frames > 0);
          run(rig, call);
          await turn();
          await turn();
          assert.equal(cancels, entered.length);
          assert.ok(entered.every(({ cancelled }) => cancelled));
          assert.equal(rig.client.log.length, frames);
          assert.deepEqual(rig.client.violations, []);
          assert.equal(rig.session.size, 0);
          assert.deepEqual(process.getActiveResourcesInfo().filter((name) => name === 'Timeout'), [], 'its deadline');
        });
      }
    }
  });
}

function handlerOf(answer: 'nothing' | 'metadata' | 'much', enter: (call: LooseCall) => void): LooseHandler {
  return (call, callback) => {
    enter(call);
    if (answer === 'metadata') call.sendMetadata(new grpc.Metadata());
    if (answer === 'much' && typeof callback === 'function') callback(null, Buffer.alloc(200_000));
    else if (answer === 'much') call.write(Buffer.alloc(200_000));
  };
}

const UNFINISHED: readonly (readonly [Kind, string])[] = [
  ['unary', 'after its headers'], ['unary', 'within a message'], ['clientStream', 'after many messages'], ['serverStream', 'after all messages'], ['bidi', 'after a message'],
];
for (const [kind, point] of UNFINISHED) {
  test(`a deadline, ${point} of a ${kind} call: its status is DEADLINE_EXCEEDED`, async () => {
    const rig = startLeanRig({ handlers: { [kind]: () => undefined } });
    const call = rig.client.begin(requestFields(`/test.Calls/${kind}`, [['grpc-timeout', '5m']]));
    POINTS[point]?.send(call);
    await call.ended;
    assert.equal(call.status, grpc.status.DEADLINE_EXCEEDED);
    assert.equal(rig.session.size, 0);
    assert.deepEqual(rig.client.violations, []);
  });
}
