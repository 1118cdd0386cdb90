// The clients, in a process of their own: PORT CHANNELS IN_FLIGHT DEADLINE. Default grpc-js clients with a connection each, which
// keep calls in flight; retries need a service config, so there are none. On a message it tells what has happened since
// the last one.
import { Client, connectivityState, credentials, status } from '@grpc/grpc-js';
import { Bench } from '../support/servicer.js';
import { CALL_TIME, readAnswer } from './handlers.js';

const [port, channels, inFlight, deadline] = process.argv.slice(2).map(Number);
/** In milliseconds, as the deadline of each call. */
const SLICE = 250;
const { path, requestSerialize, responseDeserialize } = Bench.service.Callback;

let since = Date.now();
let seen = nothing();

function nothing() {
  return { reconnects: 0, failed: {}, by: {}, versions: {}, slices: [] };
}

function slice() {
  return (seen.slices[Math.floor((Date.now() - since) / SLICE)] ??= { failed: 0, times: [] });
}

function keepCalling(client) {
  const begun = performance.now();
  client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text: '' }, { deadline: Date.now() + deadline }, (error, answer) => {
    if (error) {
      slice().failed += 1;
      count(seen.failed, status[error.code]);
      // Else one that refuses at once would be asked thousands of times a second.
      setTimeout(keepCalling, CALL_TIME, client);
      return;
    }
    slice().times.push(performance.now() - begun);
    const { version, pid } = readAnswer(answer);
    count(seen.by, pid);
    count(seen.versions, version);
    keepCalling(client);
  });
}

function count(map, key) {
  map[key] = (map[key] ?? 0) + 1;
}

function watch(channel) {
  const state = channel.getConnectivityState(false);
  channel.watchConnectivityState(state, Infinity, () => {
    if (channel.getConnectivityState(false) === connectivityState.READY) seen.reconnects += 1;
    watch(channel);
  });
}

const part = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
const sort = (times) => times.sort((a, b) => a - b);

function report() {
  const now = Date.now();
  const all = sort(seen.slices.flatMap(({ times }) => times));
  const slices = Array.from({ length: Math.ceil((now - since) / SLICE) }, (_, index) => {
    const { failed, times } = seen.slices[index] ?? { failed: 0, times: [] };
    return { at: (index * SLICE) / 1000, ok: times.length, failed, p99: part(sort(times), 0.99) };
  });
  const told = { ...seen, seconds: (now - since) / 1000, ok: all.length, p50: part(all, 0.5), p99: part(all, 0.99), slices };
  since = now;
  seen = nothing();
  return told;
}

const options = { 'grpc.use_local_subchannel_pool': 1 };
const clients = Array.from({ length: channels }, () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options));
for (const client of clients) {
  watch(client.getChannel());
  for (let open = 0; open < inFlight; open += 1) keepCalling(client);
}
process.on('message', () => process.send(report()));
process.on('disconnect', () => process.exit());
