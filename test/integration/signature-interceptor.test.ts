import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { readSignature } from '#src/config/signature-data.js';
import { signatureValidation } from '#src/interceptors.js';
import { SignatureCheck } from '#src/worker/calls/signature.js';
import { invoke, KINDS, SERVICE, startRig, type Kind, type LooseHandler, type Rig } from '../support/call-rig.js';

const { OK, INTERNAL, UNAUTHENTICATED } = grpc.status;
const MEBIBYTE = 'x'.repeat(2 ** 20);

const DATA = { 'x-key': ['new', 'old'] };
const check = (exempt: readonly string[] = []): SignatureCheck => new SignatureCheck(DATA, exempt);

/** Counts the calls that reach it. */
function counter() {
  const counts = { handled: 0, decoded: 0 };
  const handler = (kind: Kind): LooseHandler => async (call, callback) => {
    counts.handled += 1;
    if (SERVICE[kind].requestStream) for await (const _ of call);
    if (typeof callback === 'function') callback(null, 1);
    else call.end();
  };
  return { counts, handlers: Object.fromEntries(KINDS.map((kind) => [kind, handler(kind)])) };
}

const signed = (...values: string[]): grpc.Metadata => {
  const metadata = new grpc.Metadata();
  for (const value of values) metadata.add('X-Key', value);
  return metadata;
};

describe('the signature check', { timeout: 60_000 }, () => {
  for (const kind of KINDS) {
    test(`refuses an unsigned ${kind} call; neither handler nor deserializer runs`, async (t) => {
      const { counts, handlers } = counter();
      const decode = t.mock.method(SERVICE[kind], 'requestDeserialize');
      const rig = await startRig({ handlers, parts: () => ({ signature: check().interceptor }) });
      for (const metadata of [new grpc.Metadata(), signed('wrong'), signed('ne', 'w')]) {
        const { code, details } = await invoke(rig.client, kind, { metadata, send: [MEBIBYTE, MEBIBYTE] });
        assert.deepEqual([code, details], [UNAUTHENTICATED, 'Invalid signature']);
      }
      await rig.idle();
      assert.deepEqual([counts.handled, decode.mock.callCount()], [0, 0]);
      for (const metadata of [signed('new'), signed('old'), signed('other', 'new', 'another')]) {
        assert.equal((await invoke(rig.client, kind, { metadata })).code, OK);
      }
      rig.close();
      assert.deepEqual([counts.handled, rig.faults], [3, []]);
      assert.ok(decode.mock.callCount() > 0);
    });
  }

  test('exempts methods and services', async () => {
    const codesWith = async (...signatureExempt: string[]): Promise<number[]> => {
      const signature = check(signatureExempt).interceptor;
      const rig = await startRig({ handlers: counter().handlers, parts: () => ({ signature }) });
      const codes = [(await invoke(rig.client, 'unary')).code, (await invoke(rig.client, 'bidi')).code];
      rig.close();
      return codes;
    };
    assert.deepEqual(await codesWith('test.Calls/unary'), [OK, UNAUTHENTICATED]);
    assert.deepEqual(await codesWith('test.Calls/*'), [OK, OK]);
    assert.deepEqual(await codesWith('test.Call/*', 'test.Calls/una', 'est.Calls/*'), [UNAUTHENTICATED, UNAUTHENTICATED]);
  });

  test('has no effect while it is off, or without TLS', () => {
    const settings = { signature: true, authentication: 'ssl', interceptors: [], signatureData: { 'x-key': { values: ['new'] } } } as const;
    assert.deepEqual(readSignature(settings), { 'x-key': ['new'] });
    assert.equal(readSignature({ ...settings, signature: false }), null);
    assert.equal(readSignature({ ...settings, authentication: null }), null);
  });

  test('demands what it was told last, of the calls that begin then', async () => {
    const signature = check();
    const rig = await startRig({ handlers: counter().handlers, parts: () => ({ signature: signature.interceptor }) });
    const codes = async (): Promise<number[]> => {
      const results = [];
      for (const value of ['old', 'newest']) results.push((await invoke(rig.client, 'unary', { metadata: signed(value) })).code);
      return results;
    };
    assert.deepEqual(await codes(), [OK, UNAUTHENTICATED]);
    signature.setData({ 'x-key': ['newest'] });
    assert.deepEqual(await codes(), [UNAUTHENTICATED, OK]);
    rig.close();
    assert.deepEqual(rig.faults, []);
  });
});

describe('signatureValidation among the interceptors', { timeout: 60_000 }, () => {
  /** Puts down that it saw a call, by its metadata. */
  const seeing = (name: string, seen: string[]): grpc.ServerInterceptor => (_method, call) =>
    new grpc.ServerInterceptingCall(call, {
      start: (next) => next({ onReceiveMetadata(metadata, pass) { seen.push(name); pass(metadata); } }),
    });
  const rigWith = (user: grpc.ServerInterceptor[], signature: grpc.ServerInterceptor | null = check().interceptor): Promise<Rig> =>
    startRig({ handlers: counter().handlers, parts: () => ({ user, signature }) });

  test('is where the check runs', async () => {
    const seen: string[] = [];
    const rig = await rigWith([seeing('before', seen), signatureValidation, seeing('after', seen)]);
    assert.equal((await invoke(rig.client, 'unary')).code, UNAUTHENTICATED);
    assert.deepEqual(seen, ['before']);
    assert.equal((await invoke(rig.client, 'unary', { metadata: signed('new') })).code, OK);
    assert.deepEqual(seen, ['before', 'before', 'after']);
    rig.close();
    assert.deepEqual(rig.faults, []);
  });

  test('lets an interceptor before it supply the signature', async () => {
    const sign: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) => next({ onReceiveMetadata(metadata, pass) { metadata.set('x-key', 'new'); pass(metadata); } }),
      });
    const rig = await rigWith([sign, signatureValidation]);
    assert.equal((await invoke(rig.client, 'unary')).code, OK);
    rig.close();
  });

  test('is nothing when the check has no effect', async () => {
    const rig = await rigWith([signatureValidation], null);
    assert.equal((await invoke(rig.client, 'unary')).code, OK);
    rig.close();
  });

  test('refuses calls when it is wrapped, where no worker finds it', async () => {
    const rig = await rigWith([(method, call) => signatureValidation(method, call)], null);
    assert.equal((await invoke(rig.client, 'unary')).code, INTERNAL);
    rig.close();
    assert.match(rig.faults[0]?.error ?? '', /only marks a place: name it/);
  });
});
