/** Runs in workers: default values of fields, as descriptors hold them. */
import { TYPE } from './file-descriptor.js';
import type { OptionValue } from './option-statement.js';
import { toBigInt } from './token-reader.js';

/** A default as FieldDescriptorProto.default_value holds it; `type` is undefined for enums. */
export function formatDefault(type: number | undefined, value: OptionValue): string {
  if (value.kind === 'message') return '';
  if (value.kind === 'string') return type === TYPE.bytes ? escapeBytes(value.bytes) : value.bytes.toString();
  if (value.kind === 'word') return value.text;
  return type === TYPE.float || type === TYPE.double ? String(toFloat(value.text)) : String(toBigInt(value.text));
}

/** A number of the language as a float; `inf`, `infinity` and `nan` are words there. */
export function toFloat(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const digits = text.replace(/^-/, '');
  if (/^inf(?:inity)?$/i.test(digits)) return sign * Infinity;
  return sign * (/^0\d+$/.test(digits) ? parseInt(digits, 8) : Number(digits));
}

/** As C would write them: printable ASCII as it is, the rest in octal. */
export function escapeBytes(bytes: Uint8Array): string {
  const names: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 39: "\\'", 92: '\\\\' };
  const escape = (byte: number): string =>
    names[byte] ?? (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`);
  return Array.from(bytes, escape).join('');
}
