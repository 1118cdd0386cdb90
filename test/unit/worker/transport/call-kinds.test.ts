import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLeanRig } from '../../../support/lean-rig.js';
import { valueOf } from '../../../support/link-client.js';

test('a unary call is answered', async () => {
  const { client, session } = startLeanRig({ handlers: { unary: (call, callback) => callback(null, call.request) } });
  const call = await client.call('/test.Calls/unary', ['hello']).ended;
  assert.equal(call.status, 0);
  assert.equal(call.details, 'OK');
  assert.deepEqual(call.messages.map(String), ['hello']);
  assert.equal(valueOf(call.headers ?? [], ':status'), '200');
  assert.equal(session.size, 0);
  assert.deepEqual(client.violations, []);
});
