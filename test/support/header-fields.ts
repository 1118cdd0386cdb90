/** Header fields and blocks for tests of src/http2. */
import { Decoder } from '#src/http2/hpack/decoder.js';
import { BlockWriter } from '#src/http2/hpack/encoder.js';

export type Field = readonly [name: string, value: string, neverIndexed?: boolean];

/** What a decoder passes on. */
export function decodeFields(decoder: Decoder, block: Buffer): [string, string, boolean][] {
  const fields: [string, string, boolean][] = [];
  decoder.decode(block, 0, block.length, (...field) => fields.push(field));
  return fields;
}

export function writeBlock(fields: readonly Field[]): Buffer {
  const writer = new BlockWriter();
  for (const [name, value, neverIndexed] of fields) writer.add(name, value, neverIndexed);
  return writer.take();
}

/** The dynamic table, the newest first: asked for by index, which leaves it as it is. */
export function tableOf(decoder: Decoder): [string, string][] {
  const block = Buffer.from(Array.from({ length: decoder.tableCount }, (_, age) => 0x80 | (62 + age)));
  return decodeFields(decoder, block).map(([name, value]) => [name, value]);
}

const NAMES = ['x-a', 'grpc-timeout', 'accept', 'user-agent', 'cache-control', 'traceparent', 'set-cookie', 'x-long-name-of-a-field'];
const VALUES = ['', '1', 'gzip, deflate', '99m', 'identity,deflate,gzip', 'no-cache', 'x'.repeat(40), 'y'.repeat(200)];

/**
 * Fields as clients send them: some again and again, some never twice.
 * @param characters that a value may have besides those of a timeout
 */
export function randomFields(random: () => number, characters = 'abcXYZ019-_/.:;= '): Field[] {
  const pick = <T>(list: ArrayLike<T>): T => list[Math.floor(random() * list.length)] as T; // Below its length.
  const text = (): string => Array.from({ length: Math.floor(random() * 60) }, () => pick(characters)).join('');
  return Array.from({ length: 1 + Math.floor(random() * 12) }, () => [
    random() < 0.8 ? pick(NAMES) : `x-${Math.floor(random() * 1e6)}`,
    random() < 0.6 ? pick(VALUES) : text().trim(),
    random() < 0.1,
  ]);
}
