// The smallest gRPC client: unary calls with ready-made bytes over one connection. Used where grpc-js's own client
// would be a large part of what is measured.
import { connect as http2Connect } from 'node:http2';
import { connect as tcpConnect } from 'node:net';

/** The request of every call: uncompressed, 7 bytes, field 1 is "world". */
export const REQUEST = Buffer.from([0, 0, 0, 0, 7, 10, 5, ...Buffer.from('world')]);
/** Bytes of the answer "Hello world" with its prefix. */
export const ANSWER_LENGTH = 5 + 2 + 'Hello world'.length;

export function connect(port) {
  return new Promise((resolve, reject) => {
    const socket = tcpConnect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      // Whoever tries a port on which nobody listens yet may be given that very port, is connected to itself, and keeps it from the server.
      if (socket.localPort === port) socket.destroy(new Error('connected to itself'));
      else resolve(http2Connect(`http://127.0.0.1:${port}`, { createConnection: () => socket }));
    });
  });
}

/** Resolves to the bytes of the answer, prefix included. */
export function call(session, method, headers = {}) {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/bench.Bench/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    const chunks = [];
    let status;
    const note = (headers) => {
      status = headers['grpc-status'] ?? status;
    };
    stream.on('response', note).on('trailers', note).on('data', (chunk) => chunks.push(chunk)).once('error', reject);
    stream.once('close', () => {
      if (status === '0') resolve(Buffer.concat(chunks));
      else reject(new Error(`${method} ended with grpc-status ${status ?? 'missing'}`));
    });
    stream.end(REQUEST);
  });
}

/** How many calls the server's handlers have answered. */
export async function countAnswered(port) {
  const session = await connect(port);
  const { Bench } = await import('./servicer.js');
  const answer = await call(session, 'Count');
  session.close();
  return Bench.service.Count.responseDeserialize(answer.subarray(5)).answered;
}
