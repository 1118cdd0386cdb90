// What src/http2 costs for a unary call: nanoseconds of each operation, alone and warm.
import { FrameBuffer } from '../dist/http2/frame-buffer.js';
import { FrameReader } from '../dist/http2/frame-reader.js';
import { Decoder } from '../dist/http2/hpack/decoder.js';
import { BlockWriter } from '../dist/http2/hpack/encoder.js';
import { Transcoder } from '../dist/http2/hpack/transcoder.js';
import { decodeLiteralField, walkFields } from '../dist/http2/hpack/walk.js';
import { StreamTable } from '../dist/http2/stream-table.js';
import { printTimes } from './support/stopwatch.js';

const COUNT = 200_000;
/** Calls in one chunk or one turn of the event loop. */
const CALLS = 20;
/** Streams that are open at a time, as with h2load -m 100. */
const OPEN = 100;

const FIELDS = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', '/helloworld.Greeter/SayHello'],
  [':authority', '127.0.0.1:50051'],
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
  ['user-agent', 'grpc-node-js/1.14.7'],
  ['grpc-accept-encoding', 'identity,deflate,gzip'],
];
/** What was read ends here, so that no reading is left out. */
const seen = { bytes: 0, fields: 0 };
const MESSAGE = Buffer.from([0, 0, 0, 0, 7, 10, 5, ...Buffer.from('world')]);

export function run() {
  const block = blockOf(FIELDS);
  const head = blockOf([[':status', '200'], ['content-type', 'application/grpc']]);
  const trailers = blockOf([['grpc-status', '0']]);
  console.log(`a call: a block of ${block.length} bytes and a message of ${MESSAGE.length}; `
    + `an answer: ${head.length}, ${MESSAGE.length} and ${trailers.length} bytes\n`);
  printTimes({
    'read the frames of a call': readCalls(block),
    'read them, each chunk cut in a frame': readCutCalls(block),
    'write an answer': writeAnswers(head, trailers, CALLS),
    'write an answer, alone in its turn': writeAnswers(head, trailers, 1),
    'write 16 KiB of DATA': writeData(16_384),
    'write 1 KiB of DATA': writeData(1024),
    'walk a block': walkBlocks(block),
    'decode one field': decodeFields(block),
    'decode a block of literals': decodeBlocks(block),
    'decode a block of indexes': decodeBlocks(...indexed()),
    'decode a block of Huffman literals': decodeBlocks(huffman()),
    'encode a block': encodeBlocks(),
    're-encode a block of indexes that comes again': reencode(...indexed()),
    're-encode a block of indexes and a new literal': reencode(...withLiteral(...indexed())),
    [`StreamTable, ${OPEN} open: add, get four times, delete`]: useTable(streamTable),
    [`Map, ${OPEN} open: the same`]: useTable(mapTable),
  }, COUNT);
}

function blockOf(fields) {
  const writer = new BlockWriter();
  for (const [name, value] of fields) writer.add(name, value);
  return writer.take();
}

/** What an encoder with a dynamic table sends first, which fills the table, and then for each call. */
function indexed() {
  const parts = [Buffer.from([0x83, 0x86])];
  const indexes = [0x83, 0x86];
  for (const [place, [name, value]] of FIELDS.slice(2).entries()) {
    parts.push(Buffer.from([0x40, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value));
    indexes.push(0x80 | (62 + FIELDS.length - 3 - place));
  }
  return [Buffer.from(indexes), Buffer.concat(parts)];
}

/** With a field that is another one in each call, not indexed: x: a. */
function withLiteral(block, first) {
  return [Buffer.concat([block, Buffer.from('0001780161', 'hex')]), first, block.length + 4];
}

/** Six times the field www.example.com of RFC 7541 section C.4.1, not indexed. */
function huffman() {
  return Buffer.concat(Array(6).fill(Buffer.from('018cf1e3c2e5f23a6ba0ab90f4ff', 'hex')));
}

function frames(...writes) {
  const buffer = new FrameBuffer();
  for (const write of writes) write(buffer);
  return Buffer.concat(buffer.take());
}

function calls(block) {
  return frames(...Array.from({ length: CALLS }, (_, call) => (buffer) => {
    buffer.headers(call * 2 + 1, block, 0, block.length, false);
    buffer.data(call * 2 + 1, MESSAGE, 0, MESSAGE.length, true);
  }));
}

function readCalls(block) {
  const chunk = calls(block);
  const reader = new FrameReader((type, flags, id, buffer, start, end) => {
    seen.bytes += end - start;
  });
  return (count) => {
    for (let call = 0; call < count; call += CALLS) reader.push(chunk);
  };
}

function readCutCalls(block) {
  const stream = calls(block);
  const cut = block.length >> 1;
  const chunk = Buffer.concat([stream.subarray(cut), stream.subarray(0, cut)]);
  const reader = new FrameReader((type, flags, id, buffer, start, end) => {
    seen.bytes += end - start;
  });
  reader.push(stream.subarray(0, cut));
  return (count) => {
    for (let call = 0; call < count; call += CALLS) reader.push(chunk);
  };
}

function writeAnswers(head, trailers, together) {
  const buffer = new FrameBuffer();
  return (count) => {
    for (let call = 0; call < count; call += 1) {
      const id = call * 2 + 1;
      buffer.headers(id, head, 0, head.length, false);
      buffer.data(id, MESSAGE, 0, MESSAGE.length, false);
      buffer.headers(id, trailers, 0, trailers.length, true);
      if (call % together === 0) buffer.take();
    }
  };
}

function writeData(length) {
  const buffer = new FrameBuffer();
  const payload = Buffer.alloc(length + 1);
  return (count) => {
    for (let call = 0; call < count; call += 1) {
      buffer.data(1, payload, 1, length + 1, false);
      if (call % 4 === 0) buffer.take();
    }
  };
}

function walkBlocks(block) {
  return (count) => {
    for (let call = 0; call < count; call += 1) {
      walkFields(block, 0, block.length, () => {
        seen.fields += 1;
      });
    }
  };
}

function decodeFields(block) {
  const places = [];
  walkFields(block, 0, block.length, (start, end) => {
    places.push([start, end]);
  });
  const [start, end] = places[2];
  return (count) => {
    for (let call = 0; call < count; call += 1) seen.bytes += decodeLiteralField(block, start, end).value.length;
  };
}

function decodeBlocks(block, first = Buffer.alloc(0)) {
  const decoder = new Decoder(4096);
  const onField = (name, value) => {
    seen.bytes += name.length + value.length;
  };
  decoder.decode(first, 0, first.length, onField);
  return (count) => {
    for (let call = 0; call < count; call += 1) decoder.decode(block, 0, block.length, onField);
  };
}

function encodeBlocks() {
  return (count) => {
    const writer = new BlockWriter();
    for (let call = 0; call < count; call += 1) {
      for (const [name, value] of FIELDS) writer.add(name, value);
      writer.take();
    }
  };
}

/** @param changing a byte that is another one each time, or none */
function reencode(block, first, changing) {
  const transcoder = new Transcoder(new Decoder(4096));
  transcoder.transcode(first, 0, first.length);
  return (count) => {
    for (let call = 0; call < count; call += 1) {
      if (changing !== undefined) block[changing] = 97 + (call % 26);
      transcoder.transcode(block, 0, block.length);
    }
  };
}

const streamTable = () => {
  const table = new StreamTable();
  return { get: (id) => table.get(id), add: (stream) => table.add(stream), delete: (id) => table.delete(id) };
};

const mapTable = () => {
  const map = new Map();
  return { get: (id) => map.get(id), add: (stream) => map.set(stream.id, stream), delete: (id) => map.delete(id) };
};

/** Streams with what hangs on a real one, so that the garbage collector has its part. */
function useTable(create) {
  const table = create();
  let id = 1;
  const open = () => {
    table.add({ id, headers: { ':path': 'x', te: 'trailers' }, chunks: [id], listeners: [() => id] });
    id += 2;
  };
  for (let stream = 0; stream < OPEN; stream += 1) open();
  return (count) => {
    for (let call = 0; call < count; call += 1) {
      open();
      const oldest = id - 2 * OPEN - 2;
      for (let touch = 0; touch < 4; touch += 1) table.get(oldest);
      table.delete(oldest);
    }
  };
}
