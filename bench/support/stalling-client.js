// A client with a server of its own that is killed again and again: how often what was in flight did not end (bench/stalled-client.js).
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';

const SERVER = fileURLToPath(new URL('stalling-server.js', import.meta.url));
/** Calls of each kind that are kept in flight, and the pause between two of one, in milliseconds. */
const KINDS = { unary: 8, large: 1, download: 2, upload: 2, lockstep: 2 };
const PAUSE = 20;
/** What a call that has lost its server gets to end, in milliseconds; it does so at once. */
const PATIENCE = 6000;
const DEADLINE = 60_000;
const MESSAGES = 20;
const message = Buffer.alloc(1000);
const same = (bytes) => bytes;

const { rounds, tls, options } = JSON.parse(process.argv[2]);
process.on('disconnect', () => process.exit());
let { server, port } = await serve(0);
const security = tls === undefined ? credentials.createInsecure() : credentials.createSsl(readFileSync(`${tls}/ca.crt`));
const client = new Client(`localhost:${port}`, security, { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000, ...options });
const open = new Set();
let calls = 0;
let stalled = 0;
for (const [kind, count] of Object.entries(KINDS)) for (let i = 0; i < count; i += 1) void keepCalling(kind);
for (let round = 0; round < rounds; round += 1) {
  await pause(300 + Math.random() * 1500);
  server.kill('SIGKILL');
  await once(server, 'exit');
  const at = performance.now();
  ({ server } = await serve(port));
  await pause(PATIENCE);
  if ([...open].some(({ since }) => since < at)) stalled += 1;
}
process.send({ calls, stalled }, () => process.exit());

async function keepCalling(kind) {
  for (;;) {
    const call = { since: performance.now() };
    open.add(call);
    await begin(kind);
    open.delete(call);
    calls += 1;
    await pause(PAUSE);
  }
}

/** Resolves with the end of the call, whatever that is. */
function begin(kind) {
  const path = `/stalling/${kind}`;
  const limits = { deadline: Date.now() + DEADLINE };
  return new Promise((resolve) => {
    if (kind === 'unary' || kind === 'large') {
      client.makeUnaryRequest(path, same, same, message, limits, resolve);
    } else if (kind === 'upload') {
      const call = client.makeClientStreamRequest(path, same, same, limits, resolve);
      for (let i = 0; i < MESSAGES; i += 1) call.write(message);
      call.end();
    } else {
      const call = kind === 'download' ? client.makeServerStreamRequest(path, same, same, message, limits) : client.makeBidiStreamRequest(path, same, same, limits);
      let left = MESSAGES;
      call.on('data', () => {
        if (kind === 'download') return;
        left -= 1;
        if (left > 0) call.write(message);
        else call.end();
      });
      call.on('error', () => undefined);
      call.on('status', resolve);
      if (kind !== 'download') call.write(message);
    }
  });
}

async function serve(wanted) {
  const child = fork(SERVER, [String(wanted), ...(tls === undefined ? [] : [tls])]);
  const [bound] = await once(child, 'message');
  return { server: child, port: bound };
}
