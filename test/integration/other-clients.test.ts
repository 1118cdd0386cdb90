// Clients that know HTTP/2 and little or nothing of gRPC, over both transports, with and without TLS.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { ROOT } from '../support/paths.js';
import { skipUnless } from '../support/peers.js';
import { probeOrder } from '../support/probe.js';

const CALLS = process.env.PROVE === undefined ? 2000 : 200_000;

const run = promisify(execFile);
const { method, send } = probeOrder('Probe/Echo', { body: Buffer.from('a message') });
const [message = Buffer.alloc(0)] = send;

/** The message on the wire: not compressed, its length in four bytes, itself. */
function envelope(): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

const HEADERS = ['te: trailers', 'content-type: application/grpc', 'authorization: secret'].flatMap((header) => ['-H', header]);

let certificates: TestCertificates;
before(async () => {
  certificates = await TestCertificates.make();
});
after(() => certificates[Symbol.dispose]());

for (const transport of ['http2', 'lean'] as const) {
  for (const security of ['plain', 'tls'] as const) {
    describe(`transport ${transport}, ${security}`, () => {
      let daemon: Daemon;
      let file: string;
      let url: string;
      before(async () => {
        daemon = await startDaemon({ config: { transport, maxWorkers: 2, ...(security === 'tls' ? certificates.tls : {}) }, deadline: 60_000 + CALLS });
        file = daemon.dir.write('message', envelope());
        url = `${security === 'tls' ? 'https' : 'http'}://${daemon.address}`;
      });
      after(() => daemon[Symbol.asyncDispose]());

      // It sends before it has read our SETTINGS. What it is told is for its own tables.
      for (const table of [[], ['--encoder-header-table-size=0'], ['--encoder-header-table-size=65536', '--header-table-size=65536'], ['--header-table-size=0']]) {
        test(`h2load ${table.join(' ') || 'as it is'} gets ${CALLS} answers on 4 connections with 50 calls in flight each`, { skip: skipUnless('h2load') }, async () => {
          const args = ['-n', `${CALLS}`, '-c', '4', '-m', '50', '-d', file, ...table, ...HEADERS, url + method];
          const { stdout } = await daemon.until(run('h2load', args), 'the end of h2load');
          assert.match(stdout, new RegExp(`${CALLS} succeeded, 0 failed, 0 errored, 0 timeout`));
          assert.match(stdout, new RegExp(`status codes: ${CALLS} 2xx`));
        });
      }

      test('nghttp gets headers, the message and trailers', { skip: skipUnless('h2load') }, async () => {
        const { stdout } = await daemon.until(run('nghttp', ['-v', '--no-dep', '-d', file, ...HEADERS, url + method]), 'the end of nghttp');
        const received = stdout.split('\n').filter((line) => /recv \(stream_id=\d+\)/.test(line)).map((line) => line.replace(/^.*\) /, '').trim());
        assert.deepEqual(received.filter((line) => /^(?::status|content-type|grpc-status):/.test(line)), [':status: 200', 'content-type: application/grpc+proto', 'grpc-status: 0']);
        assert.match(stdout, /recv DATA frame <length=16,/);
        assert.doesNotMatch(stdout, /recv (?:RST_STREAM|GOAWAY)/);
      });

      test('buf curl finds the method by reflection and calls it', async () => {
        const trust = security === 'tls' ? ['--cacert', certificates.ca] : ['--http2-prior-knowledge'];
        const args = ['curl', ...trust, '--protocol', 'grpc', '-d', '{"size": 3}', url + method];
        const { stdout } = await daemon.until(run(`${ROOT}node_modules/.bin/buf`, args), 'the answer');
        assert.deepEqual(JSON.parse(stdout), { body: Buffer.from('eee').toString('base64') });
      });
    });
  }
}
