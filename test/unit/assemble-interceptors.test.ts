import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServerInterceptor } from '@grpc/grpc-js';
import { signatureValidation } from '#src/interceptors.js';
import { assembleInterceptors } from '#src/worker/calls/assemble-interceptors.js';
import { interceptorOf } from '#src/worker/calls/forwarding-call.js';

const make = (): ServerInterceptor => interceptorOf((_method, call) => call);
const accounting = make();
const limit = make();
const signature = make();

test('accounting is next to the wire, then the limit, then the signature, then the user\'s own as one', () => {
  const list = assembleInterceptors({ accounting, limit, signature, user: [make(), make()] });
  assert.deepEqual(list.slice(0, 3), [accounting, limit, signature]);
  assert.equal(list.length, 4);
});

test('what is off costs nothing', () => {
  assert.deepEqual(assembleInterceptors({ accounting, limit: null, signature: null, user: [] }), [accounting]);
  assert.deepEqual(assembleInterceptors({ accounting, limit: null, signature: null, user: [signatureValidation] }), [accounting]);
});

test('a signature check that the user placed is not at its default place', () => {
  const list = assembleInterceptors({ accounting, limit: null, signature, user: [signatureValidation, make()] });
  assert.equal(list.includes(signature), false);
  assert.equal(list.length, 2);
});

test('the place is known in every copy of the package', () => {
  const ofAnotherCopy = Object.assign(make(), { [Symbol.for('grpcserverd.signatureValidation')]: true });
  const list = assembleInterceptors({ accounting, limit: null, signature, user: [ofAnotherCopy] });
  assert.equal(list.includes(signature), false);
  assert.equal(list.includes(ofAnotherCopy), false);
});
