// Loads a server with the raw client, from a process of its own:
//   PORT KIND CALLS CONNECTIONS STREAMS SIZE
// KIND: same (equal calls), varied (a grpc-timeout and a trace id that are new with each call), echo (messages of SIZE
// bytes both ways), tailed (SIZE calls a second that come at random, whatever becomes of those before, and one in a
// hundred of which takes long; times are those of the others), download and upload (CALLS chunks of SIZE bytes in one
// call). Prints JSON.
import { setTimeout as sleep } from 'node:timers/promises';
import { LONG } from './long-call.js';
import { RawClient, envelope } from './raw-client.js';

const [port, kind, ...numbers] = process.argv.slice(2);
const [calls, connections, streams, size] = numbers.map(Number);

const EQUAL = RawClient.block('Callback');
const ECHO = RawClient.block('Echo');
const request = kind === 'echo' ? envelope(Buffer.alloc(size, 7)) : envelope(Buffer.from('world'));
const LONG_REQUEST = envelope(Buffer.from(LONG));
const RARE = 100;
let made = 0;
let bytes = 0;
const times = [];

function blockOf() {
  if (kind === 'same') return EQUAL;
  if (kind === 'echo') return ECHO;
  const trace = made.toString(16).padStart(32, '0');
  return RawClient.block('Callback', [['grpc-timeout', `${1_000_000 + (made % 5_000_000)}u`], ['traceparent', `00-${trace}-00f067aa0ba902b7-01`]]);
}

async function callAgain(client) {
  while (made < calls) {
    made += 1;
    const begun = performance.now();
    const answer = await client.call(blockOf(), [request]);
    bytes += answer;
    if (streams === 1) times.push(performance.now() - begun);
  }
}

/** Each client in turn, at times that do not depend on the answers; a call that should have begun earlier counts from then. */
async function callAtRandom() {
  const ends = [];
  let due = performance.now();
  for (; made < calls; made += 1) {
    due += (-Math.log(1 - Math.random()) / size) * 1000;
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait);
    ends.push(callOnce(clients[made % connections], due, made % RARE === RARE - 1));
  }
  await Promise.all(ends);
}

async function callOnce(client, begun, isLong) {
  const answer = await client.call(EQUAL, [isLong ? LONG_REQUEST : request]);
  bytes += answer;
  if (!isLong) times.push(performance.now() - begun);
}

const clients = await Promise.all(Array.from({ length: connections }, () => RawClient.open(port)));
const before = process.cpuUsage();
const begun = performance.now();
if (kind === 'download') {
  const order = Buffer.alloc(5);
  const fields = Buffer.from([8, ...varint(calls), 16, ...varint(size)]);
  order.writeUInt32BE(fields.length, 1);
  bytes = await clients[0].call(RawClient.block('Download'), [Buffer.concat([order, fields])]);
} else if (kind === 'upload') {
  await clients[0].stream(RawClient.block('Upload'), envelope(Buffer.alloc(size, 7)), calls);
  bytes = calls * size;
} else if (kind === 'tailed') {
  await callAtRandom();
} else {
  await Promise.all(clients.flatMap((client) => Array.from({ length: streams }, () => callAgain(client))));
}
const ms = performance.now() - begun;
const used = process.cpuUsage(before);
for (const client of clients) client.close();
times.sort((a, b) => a - b);
const at = (part) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? null;
console.log(JSON.stringify({ calls, bytes, ms, client: (used.user + used.system) / 1000, p50: at(0.5), p99: at(0.99) }));

function varint(value) {
  const octets = [];
  let left = value;
  for (; left >= 128; left >>>= 7) octets.push((left & 127) | 128);
  return [...octets, left];
}
