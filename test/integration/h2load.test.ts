// A client that knows HTTP/2 and nothing of gRPC: many streams on few connections.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startDaemon } from '../support/daemon.js';
import { skipUnless } from '../support/peers.js';
import { probeOrder } from '../support/probe.js';

const CALLS = 2000;

test(`h2load gets ${CALLS} answers on 4 connections with 50 calls in flight each`, { skip: skipUnless('h2load') }, async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
  const { method, send } = probeOrder('Probe/Echo', { body: Buffer.from('from h2load') });
  const [message = Buffer.alloc(0)] = send;
  // A message on the wire: not compressed, its length in four bytes, itself.
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const file = daemon.dir.write('message', Buffer.concat([prefix, message]));
  const headers = ['te: trailers', 'content-type: application/grpc'].flatMap((header) => ['-H', header]);
  const args = ['-n', `${CALLS}`, '-c', '4', '-m', '50', '-d', file, ...headers, `http://${daemon.address}${method}`];
  const { stdout } = await daemon.until(promisify(execFile)('h2load', args), 'the end of h2load');
  assert.match(stdout, new RegExp(`${CALLS} succeeded, 0 failed, 0 errored, 0 timeout`));
  assert.match(stdout, new RegExp(`status codes: ${CALLS} 2xx`));
});
