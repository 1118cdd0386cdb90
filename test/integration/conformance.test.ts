// RFC 9113 and RFC 7541, section by section: what a client may not send, what becomes of it, and that nobody else notices.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { ERROR_CODE, FLAG } from '#src/http2/constants.js';
import { FRAME_ROWS } from '../support/conformance/frame-rows.js';
import { HPACK_ROWS } from '../support/conformance/hpack-rows.js';
import { MESSAGE_ROWS } from '../support/conformance/message-rows.js';
import { BODY, ECHO, echo, MOST_METADATA, MOST_STREAMS, type Row, type Server } from '../support/conformance/row.js';
import { STREAM_ROWS } from '../support/conformance/stream-rows.js';
import { TYPE_ROWS } from '../support/conformance/type-rows.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { RawClient, type RawFrame } from '../support/raw-client.js';

const ROWS = [...FRAME_ROWS, ...STREAM_ROWS, ...TYPE_ROWS, ...MESSAGE_ROWS, ...HPACK_ROWS];
const SERVERS: Readonly<Record<Server, { transport: 'http2' | 'lean'; balance: 'connection' | 'rpc' }>> = {
  http2: { transport: 'http2', balance: 'connection' },
  lean: { transport: 'lean', balance: 'connection' },
  rpc: { transport: 'lean', balance: 'rpc' },
};
/** A stream above those of all rows. */
const FURTHER = 101;

const codeName = (code: number): string => Object.entries(ERROR_CODE).find(([, value]) => value === code)?.[0] ?? String(code);
const isEnd = ({ type, flags }: RawFrame): boolean => type === 'RST_STREAM' || (flags & FLAG.END_STREAM) !== 0;

/** Blocks have to be decoded once each, in order. */
const statuses = new WeakMap<RawFrame, string>();

function statusOf(client: RawClient, frame: RawFrame): string {
  const known = statuses.get(frame);
  if (known !== undefined) return known;
  const status = client.decode(frame.payload).find(([name]) => name === 'grpc-status')?.[1] ?? 'none';
  statuses.set(frame, status);
  return status;
}

/** As row.ts has it. */
function describeFrames(client: RawClient): string {
  const heard = new Map<number, string>();
  const order: string[] = [];
  for (const frame of client.received) {
    const { type, id, flags, payload } = frame;
    const status = type === 'HEADERS' ? statusOf(client, frame) : '';
    if (type === 'GOAWAY') {
      const code = payload.readUInt32BE(4);
      if (code !== 0) order.push(`connection ${codeName(code)}`);
    }
    if (id === 0 || id === FURTHER) continue;
    if (type === 'RST_STREAM') {
      const code = payload.readUInt32BE(0);
      if (code === 0 && heard.has(id)) continue;
      heard.set(id, `stream ${codeName(code)}`);
    } else if (type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0) {
      heard.set(id, status === '0' ? 'answered' : `status ${status}`);
    } else continue;
    order.push(`${id === 1 ? '' : `${id}: `}${heard.get(id) ?? ''}`);
  }
  return order.join('; ');
}

/**
 * What node:http2 hears of from nghttp2 ends the session with INTERNAL_ERROR, whatever code the fault has, and streams
 * that are open with it. It closes its socket with bytes of the client unread, and then the kernel may drop the GOAWAY.
 */
function asNodeSays(outcome: string, expected: string): string {
  const isSame = expected.includes('connection') && (/connection INTERNAL_ERROR$|^closed$/.test(outcome) || outcome.endsWith(`; ${expected}`));
  return isSame ? expected : outcome;
}

async function outcomeOf(port: number, server: Server, { send, greeting, then = 'call' }: Row, expected: string): Promise<string> {
  using client = await RawClient.connect(port);
  if (greeting === undefined) client.greet();
  await send(client);
  if (then === 'call') echo(client, FURTHER);
  if (then === 'ping') client.out.ping(Buffer.from('then...?'), false);
  client.flush();
  const isOver = (frame: RawFrame): boolean =>
    (frame.type === 'GOAWAY' && frame.payload.readUInt32BE(4) !== 0) || (then === 'call' && frame.id === FURTHER && isEnd(frame)) ||
    (then === 'ping' && frame.type === 'PING' && String(frame.payload) === 'then...?');
  const last = await client.next(isOver).catch((error: unknown) => {
    if (!client.socket.closed) throw error;
    return null;
  });
  if (last === null || last.type === 'GOAWAY') {
    // node:http2 leaves that to the client; what becomes of one that stays is in deaf-sessions.test.ts.
    if (server !== 'http2') await client.end();
    const seen = describeFrames(client);
    return seen.includes('connection') ? seen : [seen, 'closed'].filter(Boolean).join('; ');
  }
  // Behind a router one call may overtake another.
  if (expected !== 'ignored') await client.next(() => describeFrames(client) === expected).catch(() => undefined);
  const further = then === 'ping' || (last.type === 'HEADERS' && client.received.some(({ type, id }) => type === 'DATA' && id === FURTHER));
  return (describeFrames(client) || 'ignored') + (further ? '' : '; the next call failed');
}

/** What node:http2 answers is nghttp2's doing, and changes with it; ours has to be the same everywhere. */
const RECORDED = '1.61.';
const skipOf = (server: Server): string | false =>
  server === 'http2' && !(process.versions.nghttp2 ?? '').startsWith(RECORDED) && `nghttp2 is ${process.versions.nghttp2}, and what the table says of node:http2 is of ${RECORDED}x`;

for (const server of Object.keys(SERVERS) as Server[]) {
  describe(`${server}: what a client sends against the rules`, { concurrency: 8, skip: skipOf(server) }, () => {
    let daemon: Daemon;
    let neighbour: Client;
    before(async () => {
      daemon = await startDaemon({
        config: {
          ...SERVERS[server], servicers: [servicer('probe.js'), servicer('unread.js')], maxConcurrentStreams: MOST_STREAMS, maxMetadataSize: MOST_METADATA,
        },
        deadline: 300_000,
      });
      neighbour = new Client(daemon.address, credentials.createInsecure());
    });
    after(async () => {
      neighbour.close();
      await daemon.deadline.poll(async () => {
        const { workers } = await daemon.status();
        return workers.every(({ inFlight }) => inFlight === 0) ? true : undefined;
      }, 'the end of all calls');
      await daemon[Symbol.asyncDispose]();
    });
    const call = (): Promise<Buffer> => new Promise((resolve, reject) => {
      neighbour.makeUnaryRequest(ECHO, (bytes: Buffer) => bytes, (bytes: Buffer) => bytes, BODY, { deadline: Date.now() + 60_000 }, (error, answer) => {
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer);
      });
    });

    for (const row of ROWS) {
      const different = server === 'http2' ? row.http2 : undefined;
      test(`${row.section}: ${row.what}`, async () => {
        const expected = different?.expect ?? row.expect;
        const [outcome] = await Promise.all([outcomeOf(daemon.port, server, row, expected), call()]);
        assert.equal(server === 'http2' ? asNodeSays(outcome, expected) : outcome, expected, different?.because);
        await call();
      });
    }
  });
}
