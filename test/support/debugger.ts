import { connect, type Socket } from 'node:net';

/** The least of a debugger: it connects to a ws:// address (RFC 6455) and sends orders of the inspector's protocol. */
export class Debugger implements Disposable {
  readonly #socket: Socket;
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async attach(address: string): Promise<Debugger> {
    const { hostname, port, pathname, host } = new URL(address);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await new Promise<void>((resolve, reject) => {
      socket.once('data', () => resolve());
      socket.once('error', reject);
    });
    socket.on('data', () => undefined).on('error', () => undefined);
    return new Debugger(socket);
  }

  order(method: string, params: object = {}): void {
    const text = Buffer.from(JSON.stringify({ id: this.#nextId++, method, params }));
    // One text frame, masked with zeros; short enough for the smallest form of its length.
    this.#socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
  }

  /** Stops it at a breakpoint. */
  halt(): void {
    this.order('Debugger.enable');
    this.order('Runtime.evaluate', { expression: 'debugger' });
  }

  [Symbol.dispose](): void {
    this.#socket.destroySoon();
  }
}
