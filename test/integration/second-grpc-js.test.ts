import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { invoke, KINDS, startRig, type Kind, type LooseHandler } from '../support/call-rig.js';

const require = createRequire(import.meta.url);

/** A grpc-js of another version, whose classes are others than ours, as an app that brings its own has it. */
function loadOther(): typeof grpc {
  return require('grpc-js-1.13') as typeof grpc;
}

test('metadata, errors and interceptors of an app\'s own grpc-js are as good as ours', { timeout: 60_000 }, async () => {
  const other = loadOther();
  assert.notEqual(other.Metadata, grpc.Metadata);
  const noted = (text: string): grpc.Metadata => {
    const metadata = new other.Metadata();
    metadata.set('note', text);
    return metadata;
  };
  const refuse = (call: { metadata: grpc.Metadata }): boolean => call.metadata.get('refuse').length > 0;
  const refusal = { code: other.status.NOT_FOUND, details: 'none', metadata: noted('refused') };
  const handlers: Record<Kind, LooseHandler> = {
    unary: (call, callback) => { call.sendMetadata(noted('start')); if (refuse(call)) callback(refusal); else callback(null, 1, noted('end')); },
    clientStream: async (call, callback) => { for await (const _ of call); if (refuse(call)) throw refusalError(); callback(null, 1, noted('end')); },
    serverStream: (call) => { if (refuse(call)) throw refusalError(); call.write(1); call.end(noted('end')); },
    bidi: async (call) => { for await (const _ of call); if (refuse(call)) throw refusalError(); call.write(1); call.end(noted('end')); },
  };
  const refusalError = (): Error => Object.assign(new Error('none'), refusal);
  const statuses: number[] = [];
  const interceptor: grpc.ServerInterceptor = (_method, call) =>
    new other.ServerInterceptingCall(call, { sendStatus(answer, next) { statuses.push(answer.code); next(answer); } });
  const rig = await startRig({ handlers, parts: () => ({ user: [interceptor] }) });
  for (const kind of KINDS) {
    const good = await invoke(rig.client, kind);
    assert.deepEqual([good.code, good.messages, good.trailers.get('note')], [grpc.status.OK, [1], ['end']], kind);
    const metadata = new grpc.Metadata();
    metadata.set('refuse', 'yes');
    const bad = await invoke(rig.client, kind, { metadata });
    assert.deepEqual([bad.code, bad.details, bad.trailers.get('note')], [grpc.status.NOT_FOUND, 'none', ['refused']], kind);
  }
  await rig.idle();
  rig.close();
  assert.deepEqual(rig.faults, []);
  assert.deepEqual(statuses, KINDS.flatMap(() => [grpc.status.OK, grpc.status.NOT_FOUND]));
});
