/** A process of its own, because its faults are uncaught: run by faults.test.ts. The case is in a call's metadata. */
import { readFile } from 'node:fs';
import grpc from '@grpc/grpc-js';
import { installFaultHandlers } from '#src/worker/calls/faults.js';
import { KINDS, startRig, type LooseHandler } from './call-rig.js';

const fail = (): never => {
  throw new Error('fault');
};
const reject = (): Promise<never> => Promise.reject(new Error('fault'));

/** Calls that wait for the one that lets them go on. */
const held: (() => void)[] = [];
const letGo = (): void => held.splice(0).forEach((go) => go());

const CASES: Readonly<Record<string, LooseHandler>> = {
  'throws in a timer': () => void setTimeout(fail, 1),
  'throws in a tick': () => process.nextTick(fail),
  'throws in an immediate': () => void setImmediate(fail),
  'throws when a file has been read': () => readFile(import.meta.filename, fail),
  'leaves a rejection alone': () => void reject(),
  'leaves a rejection alone after an await': async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    void reject();
  },
  'throws at the end of the messages': (call) => {
    call.on('data', () => undefined);
    call.on('end', fail);
  },
  'rejects in a listener of data': (call) => {
    call.on('data', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      fail();
    });
  },
  'rejects once cancelled': (call) => call.on('cancelled', reject),
  'throws once cancelled': (call) => call.on('cancelled', fail),
  waits: (_call, callback) => held.push(() => callback(null, 'waited')),
  'lets the others go on': (_call, callback) => {
    letGo();
    callback(null, 'let go');
  },
};

const handler: LooseHandler = (call, callback) => CASES[String(call.metadata.get('case')[0])]?.(call, callback);

/** Some calls only get past it in the tick, and so in the context, of another. */
const detour: grpc.ServerInterceptor = (_method, call) =>
  new grpc.ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata(metadata, pass) {
          const [how] = metadata.get('interceptor');
          if (how === 'rejects') void reject();
          else if (how === 'holds') held.push(() => pass(metadata));
          else pass(metadata);
        },
      });
    },
  });

const rig = await startRig({
  handlers: Object.fromEntries(KINDS.map((kind) => [kind, handler])),
  parts: () => ({ user: [detour] }),
});
installFaultHandlers({
  onFault: (fault) => process.send?.({ fault }),
});
process.on('message', (message) => {
  if (message === 'fail') fail();
  else process.send?.({ inFlight: rig.registry.inFlight, faults: rig.faults });
});
process.on('disconnect', () => process.exit());
process.send?.({ address: rig.address });
