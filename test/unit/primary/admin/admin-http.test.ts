// The admin page's HTTP on real sockets; only its clock is turned by hand.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { AdminHttp } from '#src/primary/admin/admin-http.js';
import { listen } from '#src/primary/listener.js';
import { FakeClock } from '../../../support/fake-clock.js';

class Rig implements Disposable {
  readonly clock = new FakeClock();
  readonly failures: string[] = [];
  readonly http = new AdminHttp({
    clock: this.clock,
    routes: {
      'GET /livez': () => ({ status: 200, text: 'alive\n' }),
      'GET /broken': () => Promise.reject(new Error('no')),
      'GET /never': () => new Promise(() => undefined),
      'GET /files/*': ({ path }) => (path === '/files/a' ? { status: 200, text: 'a', headers: { 'x-own': 'yes' } } : null),
      'POST /order': ({ query, headers }) => ({ status: 202, text: `${query.get('what')} by ${headers.host}` }),
    },
    refuse: ({ headers }) => (headers.host === 'foreign' ? { status: 403, text: 'no' } : null),
    onFailure: (path, error) => this.failures.push(`${path} ${String(error)}`),
  });
  #close: () => void = () => undefined;
  #port = 0;

  static async start(): Promise<Rig> {
    const rig = new Rig();
    const listener = await listen('127.0.0.1', 0, { onSocket: (socket) => rig.http.take(socket), onError: (error) => rig.failures.push(error.message) });
    rig.#port = listener.port ?? 0;
    rig.#close = () => listener.close();
    return rig;
  }

  connect(): Socket {
    return connect(this.#port, '127.0.0.1').on('error', () => undefined);
  }

  /** Everything that comes back before the connection is closed. */
  async say(words: string): Promise<string> {
    const socket = this.connect();
    socket.write(words);
    return await text(socket);
  }

  [Symbol.dispose](): void {
    this.#close();
    this.http.close();
  }
}

const request = (method: string, path: string, more = ''): string => `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;

describe('the admin page', () => {
  test('answers GET, and HEAD without a body, and closes the connection', async () => {
    using rig = await Rig.start();
    assert.match(await rig.say(request('GET', '/livez?x=1')), /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 6\r\n[^]*Connection: close\r\n\r\nalive\n$/);
    assert.match(await rig.say(request('HEAD', '/livez')), /^HTTP\/1\.1 200 OK\r\n[^]*content-length: 6\r\n[^]*\r\n\r\n$/);
  });

  test('refuses other methods and other paths, and says what there is', async () => {
    using rig = await Rig.start();
    const refused = await rig.say(request('POST', '/livez', 'Content-Length: 3\r\n') + 'abc');
    assert.match(refused, /^HTTP\/1\.1 405 [^]*allow: GET, HEAD\r\n/);
    for (const path of ['/', '/livez/', '/../livez', '/constructor', '/__proto__', '/livez%00']) {
      assert.match(await rig.say(request('GET', path)), /^HTTP\/1\.1 404 [^]*There is \/livez, \/broken, \/never\.\n$/, path);
    }
  });

  test('has folders, orders, and answers for questions that it refuses', async () => {
    using rig = await Rig.start();
    assert.match(await rig.say(request('GET', '/files/a')), /^HTTP\/1\.1 200 [^]*x-own: yes\r\n/);
    for (const path of ['/files/b', '/files/', '/files/a/b', '/files']) assert.match(await rig.say(request('GET', path)), /^HTTP\/1\.1 404 /, path);
    assert.match(await rig.say(request('POST', '/order?what=tea&what=milk')), /^HTTP\/1\.1 202 [^]*\r\n\r\ntea by x$/);
    assert.match(await rig.say(request('GET', '/order')), /^HTTP\/1\.1 405 [^]*allow: POST\r\n/);
    assert.match(await rig.say('GET /livez HTTP/1.1\r\nHost: foreign\r\n\r\n'), /^HTTP\/1\.1 403 /);
  });

  test('answers 500 when it fails, and tells who can mend it', async () => {
    using rig = await Rig.start();
    assert.match(await rig.say(request('GET', '/broken')), /^HTTP\/1\.1 500 /);
    assert.deepEqual(rig.failures, ['/broken Error: no']);
  });

  test('closes what is no HTTP, and headers without end', async () => {
    using rig = await Rig.start();
    assert.match(await rig.say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(await rig.say(request('GET', '/livez', `x: ${'y'.repeat(20_000)}\r\n`)), /^HTTP\/1\.1 431 /);
  });

  test('gives a connection ten seconds, whether it asks or not', async () => {
    using rig = await Rig.start();
    const sockets = [rig.connect(), rig.connect()] as const;
    sockets[0].write('GET /liv');
    sockets[1].write(request('GET', '/never'));
    for (const socket of sockets) socket.resume();
    // Both have arrived when a third was answered.
    await rig.say(request('GET', '/livez'));
    assert.equal(rig.clock.pending, 2);
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    rig.clock.advance(10_000);
    await closed;
  });

  test('serves 64 connections at a time, and closes further ones', async () => {
    using rig = await Rig.start();
    const sockets = Array.from({ length: 64 }, () => rig.connect());
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    assert.equal(await rig.say(request('GET', '/livez')).catch(() => ''), '');
    for (const socket of sockets) socket.destroy();
  });
});
