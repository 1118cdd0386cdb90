/** Runs in a worker. The smallest gRPC client: one unary call with an empty request over an HTTP/2 session. */
import { constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';

/** Compressed flag and length of an empty message. */
const EMPTY_MESSAGE = Buffer.alloc(5);
const PREFIX = 5;

/**
 * @param timeout in milliseconds
 * @returns the bytes of the response message
 * @throws Error when the call does not end with OK in time
 */
export function unaryExchange(session: ClientHttp2Session, path: string, timeout: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${timeout} ms`)), timeout);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    session.once('error', fail);
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    const readStatus = (headers: IncomingHttpHeaders): void => {
      const value = headers['grpc-status'];
      if (typeof value === 'string') status = value;
    };
    stream.on('response', readStatus);
    stream.on('trailers', readStatus);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('error', fail);
    stream.once('close', () => {
      if (status === '0') {
        clearTimeout(timer);
        resolve(Buffer.concat(chunks).subarray(PREFIX));
      } else {
        fail(new Error(`it ended with grpc-status ${status ?? 'missing'}`));
      }
    });
    stream.end(EMPTY_MESSAGE);
  });
}
