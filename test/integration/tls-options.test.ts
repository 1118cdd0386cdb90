import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, createServer, type ConnectionOptions, type Server, type TLSSocket } from 'node:tls';
import { readCertificates, type TlsMaterial } from '#src/config/certificates.js';
import { createTlsOptions, isClientAccepted } from '#src/config/tls-options.js';
import { makeTestCertificates, testCertificate, writeTestPair, type TestCertificates, type TestPair } from '../support/certificates.js';

type Mode = 'none' | 'request' | 'require';

const MODES: readonly Mode[] = ['none', 'request', 'require'];
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

const folder = mkdtempSync(join(tmpdir(), 'tls-options-'));
let certificates: TestCertificates;
const servers: Server[] = [];

before(async () => {
  certificates = await makeTestCertificates(folder);
});
after(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

function material(clientAuthentication: Mode, root: string | null = certificates.ca.certificate): TlsMaterial {
  const { server } = certificates;
  const read = readCertificates(
    {
      authentication: 'ssl',
      clientAuthentication,
      allowWorldReadableKeys: false,
      certificates: {
        serverCertificate: { path: server.certificate },
        serverCertificateKey: { path: server.key },
        rootCertificate: root === null ? null : { path: root },
      },
    },
    new Date(),
  );
  assert.ok(read !== null);
  return read;
}

async function listen(server: Server): Promise<number> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface ServeOptions {
  readonly mode: Mode;
  readonly tls?: TlsMaterial;
  readonly ticketKeys?: Buffer;
}

/** A server that greets the clients that may stay and hangs up on the others. */
async function serve({ mode, tls = material(mode), ticketKeys }: ServeOptions): Promise<{ port: number; peers: TLSSocket[] }> {
  const peers: TLSSocket[] = [];
  const options = { ...createTlsOptions(tls, mode), ...(ticketKeys === undefined ? {} : { ticketKeys }) };
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined);
    peers.push(socket);
    socket.end(isClientAccepted(socket) ? 'welcome' : '');
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return { port: await listen(server), peers };
}

interface Visit {
  /** What the server said: `welcome`, or nothing. */
  readonly text: string;
  readonly error: string | undefined;
  readonly alpn: string | false | null;
  readonly resumed: boolean;
  readonly session: Buffer | undefined;
}

function visit(port: number, options: ConnectionOptions = {}): Promise<Visit> {
  return new Promise((resolve) => {
    let text = '';
    let error: string | undefined;
    let session: Buffer | undefined;
    let resumed = false;
    const ca = certificates.ca.pem.certificate;
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ALPNProtocols: ['h2'], ...options });
    socket.on('secureConnect', () => (resumed = socket.isSessionReused()));
    socket.on('session', (ticket: Buffer) => (session = ticket));
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code));
    socket.on('close', () => resolve({ text, error, alpn: socket.alpnProtocol, resumed, session }));
  });
}

const as = ({ pem }: TestPair): ConnectionOptions => ({ cert: pem.certificate, key: pem.key });

describe('client certificates', { timeout: 30_000 }, () => {
  const CLIENTS: readonly { name: string; options: () => ConnectionOptions; servedIn: readonly Mode[] }[] = [
    { name: 'no certificate', options: () => ({}), servedIn: ['none', 'request'] },
    { name: 'a good certificate', options: () => as(certificates.client), servedIn: MODES },
    { name: 'a certificate of another authority', options: () => as(certificates.otherClient), servedIn: ['none'] },
    { name: 'an expired certificate', options: () => as(certificates.expiredClient), servedIn: ['none'] },
    { name: 'a certificate made for servers', options: () => as(certificates.server), servedIn: ['none'] },
  ];
  for (const mode of MODES) {
    for (const { name, options, servedIn } of CLIENTS) {
      const served = servedIn.includes(mode);
      it(`${mode}: a client with ${name} is ${served ? 'served' : 'refused'}`, async () => {
        const { port } = await serve({ mode });
        for (const maxVersion of VERSIONS) {
          const { text } = await visit(port, { ...options(), maxVersion });
          assert.equal(text, served ? 'welcome' : '', maxVersion);
        }
      });
    }
  }

  it('the reason of a refusal is on the socket', async () => {
    const { port, peers } = await serve({ mode: 'request' });
    await visit(port, as(certificates.expiredClient));
    assert.equal(peers[0]?.authorizationError, 'CERT_HAS_EXPIRED');
  });

  it('a session kept from a refused connection opens no door', async () => {
    for (const maxVersion of VERSIONS) {
      const { port, peers } = await serve({ mode: 'request' });
      const first = await visit(port, { ...as(certificates.expiredClient), maxVersion });
      assert.ok(first.session, maxVersion);
      const second = await visit(port, { maxVersion, session: first.session });
      assert.deepEqual([second.resumed, second.text], [true, ''], maxVersion);
      assert.equal(peers.length, 2);
    }
  });

  it('a session resumed without a certificate is served, and not taken for one with', async () => {
    for (const maxVersion of VERSIONS) {
      const { port, peers } = await serve({ mode: 'request' });
      const first = await visit(port, { maxVersion });
      assert.ok(first.session);
      const second = await visit(port, { maxVersion, session: first.session });
      assert.deepEqual([second.text, second.resumed], ['welcome', true]);
      assert.equal(peers[1]?.getPeerX509Certificate(), undefined);
    }
  });
});

describe('a session whose ticket the next server can read', { timeout: 30_000 }, () => {
  /** Visits a server of one kind, and then one of the other with what was kept of the first visit. */
  async function revisit(first: ServeOptions, second: ServeOptions, options: ConnectionOptions): Promise<Visit> {
    const ticketKeys = Buffer.alloc(48, 'ticket keys');
    const { session, text } = await visit((await serve({ ...first, ticketKeys })).port, options);
    assert.equal(text, 'welcome');
    assert.ok(session);
    return visit((await serve({ ...second, ticketKeys })).port, { ...options, session });
  }

  for (const maxVersion of VERSIONS) {
    it(`is resumed there (${maxVersion})`, async () => {
      for (const mode of MODES) {
        const { text, resumed } = await revisit({ mode }, { mode }, { ...as(certificates.client), maxVersion });
        assert.deepEqual([text, resumed], ['welcome', true], mode);
      }
    });

    it(`does not get a client past the demand for a certificate (${maxVersion})`, async () => {
      for (const mode of ['none', 'request'] as const) {
        const { text } = await revisit({ mode }, { mode: 'require' }, { maxVersion });
        assert.equal(text, '', mode);
      }
    });

    it(`does not get a client past an authority that is trusted no more (${maxVersion})`, async () => {
      const after = { mode: 'require', tls: material('require', certificates.otherCa.certificate) } as const;
      const { text } = await revisit({ mode: 'require' }, after, { ...as(certificates.client), maxVersion });
      assert.equal(text, '');
    });
  }
});

describe('authorities', { timeout: 30_000 }, () => {
  it('a client that sends its intermediate authority is known by the root', async () => {
    const { port } = await serve({ mode: 'require' });
    assert.equal((await visit(port, as(certificates.chainedClient))).text, 'welcome');
  });

  it('an intermediate authority without its root vouches for nobody, as the warning says', async () => {
    const tls = material('require', certificates.intermediateCa.certificate);
    assert.match(tls.warnings.join(), /"CN=Test intermediate CA" is there without its issuer/);
    const { port } = await serve({ mode: 'require', tls });
    assert.equal((await visit(port, as(certificates.chainedClient))).text, '');
  });

  it('a self-signed client certificate vouches for itself and for no other', async () => {
    const own = await testCertificate({ key: 'client', commonName: 'self', purpose: 'client' });
    const other = await testCertificate({ key: 'other', commonName: 'self', purpose: 'client' });
    const [pair, stranger] = [writeTestPair(folder, 'self', own), writeTestPair(folder, 'stranger', other)];
    const { port } = await serve({ mode: 'require', tls: material('require', pair.certificate) });
    assert.equal((await visit(port, as(pair))).text, 'welcome');
    assert.equal((await visit(port, as(stranger))).text, '');
  });

  it('without authorities no client is known, for those of the web do not count', async () => {
    const { port } = await serve({ mode: 'require', tls: material('none', null) });
    assert.equal((await visit(port, as(certificates.client))).text, '');
    assert.deepEqual(createTlsOptions(material('none', null), 'request').ca, []);
  });
});

describe('the handshake', { timeout: 30_000 }, () => {
  it('picks h2 from what the client offers', async () => {
    const { port } = await serve({ mode: 'none' });
    assert.equal((await visit(port, { ALPNProtocols: ['grpc-exp', 'h2'] })).alpn, 'h2');
    assert.equal((await visit(port, { ALPNProtocols: ['http/1.1', 'h2'] })).alpn, 'h2');
  });

  it('fails for a client that offers other protocols only', async () => {
    const { port } = await serve({ mode: 'none' });
    const { text, error } = await visit(port, { ALPNProtocols: ['http/1.1'] });
    assert.deepEqual([text, error], ['', 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL']);
  });

  it('fails below TLS 1.2', async () => {
    const { port } = await serve({ mode: 'none' });
    const { text, error } = await visit(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    assert.deepEqual([text, error], ['', 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION']);
  });

  it('sends the intermediate certificates along', async () => {
    const { port } = await serve({ mode: 'none', tls: { ...material('none'), pem: { ...certificates.chained.pem, authorities: null } } });
    assert.equal((await visit(port)).text, 'welcome');
  });

  it('goes on with a new pair after setSecureContext', async () => {
    const server = createServer(createTlsOptions(material('none'), 'none'), (socket) => socket.end('welcome'));
    const port = await listen(server);
    const other = { ...material('none'), pem: { ...certificates.otherServer.pem, authorities: null } };
    server.setSecureContext(createTlsOptions(other, 'none'));
    assert.equal((await visit(port)).error, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    assert.equal((await visit(port, { ca: certificates.otherCa.pem.certificate })).text, 'welcome');
  });
});
