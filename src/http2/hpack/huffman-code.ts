/**
 * The code of RFC 7541 Appendix B. Codes of one length follow each other in the order of their symbols, and the
 * shorter ones come first, so their lengths say it all.
 */

/** Stands for the end of a string; it may not occur in one. */
export const EOS = 256;

/** Symbols by the length of their code in bits: a string of the characters that have them, or a list. */
const SYMBOLS: readonly (readonly [bits: number, symbols: string | readonly number[]])[] = [
  [5, '012aceiost'],
  [6, ' %-./3456789=A_bdfghlmnpru'],
  [7, ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz'],
  [8, '&*,;XZ'],
  [10, '!"()?'],
  [11, "'+|"],
  [12, '#>'],
  [13, '\0$@[]~'],
  [14, '^}'],
  [15, '<`{'],
  [19, '\\\xc3\xd0'],
  [20, [128, 130, 131, 162, 184, 194, 224, 226]],
  [21, [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230]],
  [22, [
    129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198,
    228, 232, 233,
  ]],
  [23, [
    1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180, 182,
    183, 188, 191, 197, 231, 239,
  ]],
  [24, [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237]],
  [25, [199, 207, 234, 235]],
  [26, [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255]],
  [27, [203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254]],
  [28, [
    2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249,
  ]],
  [30, [10, 13, 22, EOS]],
];

export interface HuffmanCode {
  readonly symbol: number;
  /** The highest of `bits` bits comes first in a string. */
  readonly code: number;
  readonly bits: number;
}

/** In the order of their codes. */
export const HUFFMAN_CODES: readonly HuffmanCode[] = assign();

function assign(): HuffmanCode[] {
  const codes: HuffmanCode[] = [];
  let next = 0;
  let length = 0;
  for (const [bits, symbols] of SYMBOLS) {
    next *= 2 ** (bits - length);
    length = bits;
    const numbers = typeof symbols === 'string' ? Array.from(symbols, (character) => character.charCodeAt(0)) : symbols;
    for (const symbol of numbers) {
      codes.push({ symbol, code: next, bits });
      next += 1;
    }
  }
  return codes;
}
