import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { ServedCalls } from '#src/worker/calls/served-calls.js';

const codes = Object.values(status).filter((code) => typeof code === 'number');

test('a call is a failure of the server when the server or its load is to blame, and an answer otherwise', () => {
  const failures = codes.filter((code) => {
    const served = new ServedCalls();
    served.noteEnded('/a.B/c', code);
    const { ended, failed } = served.figures([]);
    assert.equal(ended, 1);
    return failed === 1;
  });
  assert.deepEqual(failures.map((code) => status[code]).sort(), ['DATA_LOSS', 'DEADLINE_EXCEEDED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNAVAILABLE', 'UNIMPLEMENTED', 'UNKNOWN']);
});

test('calls that only look at the server are none', () => {
  const served = new ServedCalls();
  const observing = ['/grpc.health.v1.Health/Watch', '/grpc.health.v1.Health/Check', '/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics'];
  for (const path of observing) served.noteEnded(path, status.UNAVAILABLE);
  const inFlight = [...observing, '/a.B/c', '/grpc.health.v1.HealthX/Check'].map((path) => ({ path }));
  assert.deepEqual(served.figures(inFlight), { inFlight: 2, ended: 0, failed: 0 });
});
