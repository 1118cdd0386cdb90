import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that takes its time: each chunk arrives that many milliseconds later, in order. */
export class DelayProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #ms: number;
  /** Connections that have come. */
  accepted = 0;

  private constructor(server: Server, ms: number) {
    this.#server = server;
    this.#ms = ms;
  }

  /**
   * @param ms for each direction
   * @param tap gets what clients send
   */
  static async start(port: number, ms: number, tap?: (chunk: Buffer) => void): Promise<DelayProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const proxy = new DelayProxy(server, ms);
    server.on('connection', (client) => {
      proxy.accepted += 1;
      const upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      if (tap !== undefined) client.on('data', tap);
      proxy.#pass(client, upstream);
      proxy.#pass(upstream, client);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Timers of equal length run in the order in which they were set. */
  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('error', () => undefined);
    from.on('data', (chunk) => setTimeout(() => to.write(chunk), this.#ms));
    from.on('end', () => setTimeout(() => to.end(), this.#ms));
    from.on('close', () => {
      this.#sockets.delete(from);
      setTimeout(() => to.destroy(), this.#ms);
    });
  }
}
