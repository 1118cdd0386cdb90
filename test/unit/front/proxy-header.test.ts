import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { PeerFacts } from '#src/front/peer-facts.js';
import { encodeProxyHeader, LOCAL_HEADER, ProxyHeaderReader } from '#src/front/proxy-header.js';
import { testCertificate } from '../../support/certificates.js';

const NOWHERE = { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined };

function facts(remoteAddress: string, localAddress: string): PeerFacts {
  return { remoteAddress, remotePort: 40_001, localAddress, localPort: 50_051, certificate: null };
}

function decode(header: Buffer): PeerFacts | null {
  const read = new ProxyHeaderReader().read(header);
  assert(read);
  assert.equal(read.rest.length, 0);
  return read.peer;
}

const PEERS: Readonly<Record<string, PeerFacts>> = {
  'IPv4': facts('192.0.2.7', '127.0.0.1'),
  'IPv6': facts('2001:db8::7', '::1'),
  'IPv6 in full': facts('2001:db8:1:2:3:4:5:6', 'fe80::1:0:0:1'),
  'IPv4 on a socket of IPv6': facts('::ffff:192.0.2.7', '::ffff:127.0.0.1'),
  'a unix socket': { ...NOWHERE, certificate: null },
};

for (const [name, peer] of Object.entries(PEERS)) {
  test(`${name}: both ends come out as they went in`, () => {
    assert.deepEqual(decode(encodeProxyHeader(peer, false)), peer);
    assert.deepEqual(decode(encodeProxyHeader(peer, true)), peer);
  });
}

test('the zone of a link-local address stays behind', () => {
  assert.equal(decode(encodeProxyHeader(facts('fe80::1%eth0', 'fe80::2'), false))?.remoteAddress, 'fe80::1');
});

test('it is the protocol that others speak', () => {
  const header = encodeProxyHeader(facts('192.0.2.7', '127.0.0.1'), true);
  assert.equal(header.toString('hex'), [
    '0d0a0d0a000d0a515549540a', '21', '11', '0014', 'c0000207', '7f000001', '9c41', 'c383', '20', '0005', '01', '00000000',
  ].join(''));
});

test('the certificate of the client is the object that Node makes of one', async () => {
  const { pem } = await testCertificate({ key: 'client', commonName: 'client', purpose: 'client' });
  const certificate = new X509Certificate(pem).toLegacyObject();
  const decoded = decode(encodeProxyHeader({ ...facts('192.0.2.7', '127.0.0.1'), certificate }, true));
  assert.deepEqual(decoded?.certificate, certificate);
});

test('a certificate that is far too long is left out', async () => {
  const { pem } = await testCertificate({ key: 'client', commonName: 'client', purpose: 'client' });
  const certificate = { ...new X509Certificate(pem).toLegacyObject(), raw: Buffer.alloc(40_000) };
  assert.equal(decode(encodeProxyHeader({ ...facts('192.0.2.7', '127.0.0.1'), certificate }, true))?.certificate, null);
});

test('a link of the router itself has no client', () => {
  assert.equal(decode(LOCAL_HEADER), null);
});

test('it may be cut anywhere, and what follows it is handed on', () => {
  const header = encodeProxyHeader(facts('2001:db8::7', '::1'), true);
  const whole = Buffer.concat([header, Buffer.from('rest')]);
  for (let cut = 1; cut < header.length; cut += 1) {
    const reader = new ProxyHeaderReader();
    assert.equal(reader.read(whole.subarray(0, cut)), null);
    const read = reader.read(whole.subarray(cut));
    assert.deepEqual([read?.peer?.remoteAddress, read?.rest.toString()], ['2001:db8::7', 'rest']);
  }
});

test('what is no header of ours is refused as soon as it can be told', () => {
  const good = encodeProxyHeader(facts('192.0.2.7', '127.0.0.1'), false);
  const changed = (at: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(good);
    copy.set(bytes, at);
    return copy;
  };
  const bad = {
    'another protocol': Buffer.from('PRI *'),
    'version 1': changed(12, 0x11),
    'an unknown family': changed(13, 0x12),
    'addresses that are cut off': changed(14, 0, 4),
    'a length above the limit': changed(14, 0xff, 0xff).subarray(0, 16),
    'a TLV that is cut off': Buffer.concat([changed(14, 0, 14), Buffer.from([0xe5, 9])]),
    'a TLV that is longer than its header': Buffer.concat([changed(14, 0, 15), Buffer.from([0xe5, 0, 9])]),
  };
  for (const [name, bytes] of Object.entries(bad)) assert.throws(() => new ProxyHeaderReader().read(bytes), Error, name);
});
