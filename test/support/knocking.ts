import { connect, createServer, type AddressInfo, type NetConnectOpts } from 'node:net';

/** Connects again and again, one connection after the other, and counts who is not let in. */
export class Knocking implements AsyncDisposable {
  attempts = 0;
  /** Error codes. */
  readonly refused: string[] = [];
  readonly #where: NetConnectOpts;
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor(where: NetConnectOpts) {
    this.#where = where;
    this.#done = this.#knock();
  }

  async stop(): Promise<this> {
    this.#over.abort();
    await this.#done;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #knock(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const error = await this.#tryOnce();
      this.attempts += 1;
      if (error !== null) this.refused.push(error);
      // The machine has other things to do as well.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #tryOnce(): Promise<string | null> {
    return new Promise((resolve) => {
      const socket = connect(this.#where);
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('connect', () => {
        socket.destroy();
        resolve(null);
      });
    });
  }
}

/** A TCP port of loopback that nobody uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
