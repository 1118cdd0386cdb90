import { byteAt } from '../bytes.js';
import { EOS, HUFFMAN_CODES } from './huffman-code.js';
import { compressionError } from './integer.js';

/**
 * A state of the decoder is a place in the tree of codes that is no leaf, of which there are 256. The first eight are
 * those that a string may end in: the root, and what up to seven one-bits lead to (RFC 7541 section 5.2).
 */
const STATES = 256;
const LAST_FINAL = 7;
/** By state and four bits of input: the next state, with a symbol in the second octet when EMIT is set. */
const STEPS = new Uint32Array(STATES * 16);
const EMIT = 1 << 16;
/** The code of EOS was completed. */
const FAIL = 1 << 17;

const SHORTEST_CODE = 5;
/** Longer strings get a buffer of their own. */
const scratch = Buffer.allocUnsafeSlow(4096);

fillSteps();

/** @throws ConnectionError COMPRESSION_ERROR for EOS in the string, and padding of more than 7 bits or not of ones */
export function decodeHuffman(buffer: Buffer, start: number, end: number): string {
  const most = Math.floor(((end - start) * 8) / SHORTEST_CODE);
  const target = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  let length = 0;
  let step = 0;
  for (let at = start; at < end; at += 1) {
    const byte = byteAt(buffer, at);
    step = STEPS[((step & 0xff) << 4) | (byte >>> 4)] ?? 0;
    if (step >= EMIT) {
      if (step >= FAIL) break;
      target[length] = step >>> 8;
      length += 1;
    }
    step = STEPS[((step & 0xff) << 4) | (byte & 15)] ?? 0;
    if (step >= EMIT) {
      if (step >= FAIL) break;
      target[length] = step >>> 8;
      length += 1;
    }
  }
  if (step >= FAIL) throw compressionError('a Huffman string holds the symbol for its end');
  if ((step & 0xff) > LAST_FINAL) throw compressionError('the padding of a Huffman string is wrong');
  return target.toString('latin1', 0, length);
}

function fillSteps(): void {
  const tree = buildTree();
  for (let state = 0; state < STATES; state += 1) {
    for (let nibble = 0; nibble < 16; nibble += 1) STEPS[(state << 4) | nibble] = follow(tree, state, nibble);
  }
}

/** Four bits from a state on; no code is so short that two end within them. */
function follow(tree: Int16Array, state: number, nibble: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const next = tree[node * 2 + ((nibble >>> bit) & 1)] ?? 0;
    if (next >= 0) {
      node = next;
      continue;
    }
    const symbol = -1 - next;
    if (symbol === EOS) return FAIL;
    emitted = EMIT | (symbol << 8);
    node = 0;
  }
  return emitted | node;
}

/** The two children of each state: another state, or -1 - symbol. */
function buildTree(): Int16Array {
  const tree = new Int16Array(STATES * 2);
  for (let state = 0; state < LAST_FINAL; state += 1) tree[state * 2 + 1] = state + 1;
  let states = LAST_FINAL + 1;
  for (const { symbol, code, bits } of HUFFMAN_CODES) {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit -= 1) {
      const branch = node * 2 + ((code >>> bit) & 1);
      // No branch leads back to the root, so 0 is one that is not made yet.
      if (tree[branch] === 0) {
        tree[branch] = states;
        states += 1;
      }
      node = tree[branch] ?? 0;
    }
    tree[node * 2 + (code & 1)] = -1 - symbol;
  }
  return tree;
}
