/** Runs in a worker. Servers of node:http2 that grpc-js makes for itself, and does not show. */
import http2 from 'node:http2';

/** The servers without TLS that node:http2 is asked for meanwhile. */
export function catchServers(run: () => void): http2.Http2Server[] {
  const made: http2.Http2Server[] = [];
  const { createServer } = http2;
  // It is overloaded, which a function expression cannot be.
  http2.createServer = ((...args: Parameters<typeof createServer>) => {
    const server = createServer(...args);
    made.push(server);
    return server;
  }) as typeof createServer;
  try {
    run();
  } finally {
    http2.createServer = createServer;
  }
  return made;
}
