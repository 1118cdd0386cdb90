/**
 * Runs in routers and workers. What a router says of a client at the start of a link: the PROXY protocol, version 2
 * (haproxy's proxy-protocol.txt, section 2.2), with the client's certificate in a type of our own.
 */
import { X509Certificate } from 'node:crypto';
import { isIPv4, SocketAddress } from 'node:net';
import type { PeerFacts } from './peer-facts.js';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Signature, version and command, family, length of the rest. */
const PREFIX = 16;
const COMMAND = { local: 0x20, proxy: 0x21 } as const;
const FAMILY = { none: 0x00, ipv4: 0x11, ipv6: 0x21, unix: 0x31 } as const;
const ADDRESSES = { [FAMILY.none]: 0, [FAMILY.ipv4]: 12, [FAMILY.ipv6]: 36, [FAMILY.unix]: 216 } as const;
/** PP2_TYPE_SSL: flags of the client, and whether its certificate failed. */
const TLS_TYPE = 0x20;
const TLS_FLAG = { tls: 1, certificate: 2 } as const;
const TLS_LENGTH = 5;
/** One of those that are free for all (PP2_TYPE_MIN_CUSTOM..). */
const CERTIFICATE_TYPE = 0xe5;
const TLV_PREFIX = 3;
/** Bytes of a certificate; a longer one is left out. Usual ones have one or two thousand. */
const LONGEST_CERTIFICATE = 32 * 1024;
/** Of all that follows the prefix. */
const LONGEST = 216 + TLV_PREFIX + TLS_LENGTH + TLV_PREFIX + LONGEST_CERTIFICATE;

/** Starts a link that carries no client's calls: the router's own. */
export const LOCAL_HEADER = header(COMMAND.local, FAMILY.none, []);

/** @param tls whether the client speaks TLS */
export function encodeProxyHeader(peer: PeerFacts, tls: boolean): Buffer {
  const parts = addressesOf(peer);
  const der = peer.certificate?.raw;
  const certificate = der === undefined || der.length > LONGEST_CERTIFICATE ? null : der;
  if (tls) parts.bytes.push(tlv(TLS_TYPE, Buffer.from([TLS_FLAG.tls | (certificate === null ? 0 : TLS_FLAG.certificate), 0, 0, 0, 0])));
  if (certificate !== null) parts.bytes.push(tlv(CERTIFICATE_TYPE, certificate));
  return header(COMMAND.proxy, parts.family, parts.bytes);
}

/** Collects a header from bytes that are cut anywhere. Whoever uses it sees to it that this does not take for ever. */
export class ProxyHeaderReader {
  #seen: Buffer = Buffer.alloc(0);

  /**
   * @returns null while it is not complete; `peer` is null on a router's own link, `rest` is what follows the header
   * @throws Error when it is none of ours
   */
  read(chunk: Buffer): { readonly peer: PeerFacts | null; readonly rest: Buffer } | null {
    const seen = this.#seen.length === 0 ? chunk : Buffer.concat([this.#seen, chunk]);
    const begin = Math.min(seen.length, SIGNATURE.length);
    if (seen.compare(SIGNATURE, 0, begin, 0, begin) !== 0) throw new Error('a link that does not begin with a PROXY header');
    const length = seen.length < PREFIX ? 0 : seen.readUInt16BE(14);
    if (length > LONGEST) throw new Error(`a PROXY header of ${length} bytes`);
    if (seen.length < PREFIX + length) {
      this.#seen = Buffer.from(seen);
      return null;
    }
    this.#seen = Buffer.alloc(0);
    return { peer: decode(seen.subarray(0, PREFIX + length)), rest: seen.subarray(PREFIX + length) };
  }
}

function decode(bytes: Buffer): PeerFacts | null {
  const [command, family] = bytes.subarray(12, 14);
  if (command === COMMAND.local) return null;
  if (command !== COMMAND.proxy) throw new Error(`a PROXY header of version and command ${command}`);
  const isKnown = family === FAMILY.none || family === FAMILY.ipv4 || family === FAMILY.ipv6 || family === FAMILY.unix;
  if (!isKnown || bytes.length < PREFIX + ADDRESSES[family]) throw new Error(`a PROXY header of family ${family}`);
  const certificate = findTlv(bytes.subarray(PREFIX + ADDRESSES[family]), CERTIFICATE_TYPE);
  return {
    ...readAddresses(family, bytes.subarray(PREFIX)),
    // As Node gives it for a TLS session.
    certificate: certificate === null ? null : new X509Certificate(certificate).toLegacyObject(),
  };
}

function readAddresses(family: number, bytes: Buffer): Omit<PeerFacts, 'certificate'> {
  const size = family === FAMILY.ipv4 ? 4 : 16;
  if (family !== FAMILY.ipv4 && family !== FAMILY.ipv6) {
    return { remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined };
  }
  return {
    remoteAddress: textOf(bytes.subarray(0, size)),
    localAddress: textOf(bytes.subarray(size, 2 * size)),
    remotePort: bytes.readUInt16BE(2 * size),
    localPort: bytes.readUInt16BE(2 * size + 2),
  };
}

function findTlv(bytes: Buffer, wanted: number): Buffer | null {
  for (let at = 0; at < bytes.length; ) {
    if (at + TLV_PREFIX > bytes.length) throw new Error('a PROXY header that is cut off');
    const end = at + TLV_PREFIX + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) throw new Error('a PROXY header that is cut off');
    if (bytes[at] === wanted) return bytes.subarray(at + TLV_PREFIX, end);
    at = end;
  }
  return null;
}

function addressesOf({ remoteAddress, remotePort, localAddress, localPort }: PeerFacts): { family: number; bytes: Buffer[] } {
  // Of a unix socket, and of a TCP connection that was gone before it was asked.
  if (remoteAddress === undefined || localAddress === undefined) return { family: FAMILY.unix, bytes: [Buffer.alloc(ADDRESSES[FAMILY.unix])] };
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(remotePort ?? 0);
  ports.writeUInt16BE(localPort ?? 0, 2);
  const family = isIPv4(remoteAddress) && isIPv4(localAddress) ? FAMILY.ipv4 : FAMILY.ipv6;
  const pack = family === FAMILY.ipv4 ? packIPv4 : packIPv6;
  return { family, bytes: [pack(remoteAddress), pack(localAddress), ports] };
}

const packIPv4 = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

/** The zone of a link-local address is left out: it means something in the router alone. */
function packIPv6(address: string): Buffer {
  // A URL has no dotted quads in it.
  const { hostname } = new URL(`http://[${address.replace(/%.*$/, '')}]`);
  const [head = '', tail] = hostname.slice(1, -1).split('::');
  const front = head.split(':').filter(Boolean);
  const back = tail?.split(':').filter(Boolean) ?? [];
  const groups = [...front, ...new Array<string>(8 - front.length - back.length).fill('0'), ...back];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** In the system's own spelling, which Node's is. */
function textOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const address = bytes.toString('hex').replace(/(.{4})(?!$)/g, '$1:');
  return new SocketAddress({ address, family: 'ipv6' }).address;
}

function tlv(type: number, value: Buffer): Buffer {
  const prefix = Buffer.from([type, value.length >>> 8, value.length]);
  return Buffer.concat([prefix, value]);
}

function header(command: number, family: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family, body.length >>> 8, body.length]), body]);
}
