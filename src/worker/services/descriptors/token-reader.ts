import type { NamePart, OptionValue } from './option-statement.js';
import { lineAt, tokenize, unquote, type Token } from './proto-tokens.js';

const END: Token = { kind: 'end', text: '', offset: Infinity };

/** Walks over the tokens of one .proto file and reads what its statements have in common. */
export class TokenReader {
  readonly #file: string;
  readonly #source: string;
  readonly #tokens: Token[];
  #at = 0;

  constructor(file: string, source: string) {
    this.#file = file;
    this.#source = source;
    this.#tokens = [...tokenize(source)];
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? END;
  }

  get isAtEnd(): boolean {
    return this.#token.kind === 'end';
  }

  /** The next token's text when it is not a string; looks `ahead` tokens further. */
  peek(ahead = 0): string {
    const token = this.#tokens[this.#at + ahead];
    return token === undefined || token.kind === 'string' ? '' : token.text;
  }

  /** Takes the next token if it reads so. */
  accept(text: string): boolean {
    if (this.peek() !== text || this.isAtEnd) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`"${text}"`);
  }

  word(): string {
    return this.#take('word', 'a name');
  }

  /** `a.b.C` or `.a.b.C`. */
  reference(): string {
    let name = this.accept('.') ? '.' : '';
    do name += `${this.word()}.`;
    while (this.accept('.'));
    return name.slice(0, -1);
  }

  integer(): number {
    const sign = this.accept('-') ? -1 : 1;
    return sign * Number(toBigInt(this.#take('number', 'a whole number')));
  }

  isString(): boolean {
    return this.#token.kind === 'string';
  }

  /** Adjacent literals are one. */
  string(): Buffer {
    const parts = [unquote(this.#take('string', 'a string'))];
    while (this.isString()) parts.push(unquote(this.#take('string', 'a string')));
    return Buffer.concat(parts);
  }

  /** `name`, `(ext.name)`, and what follows behind dots. */
  optionPath(): NamePart[] {
    const path: NamePart[] = [];
    do {
      const isExtension = this.accept('(');
      path.push({ name: isExtension ? this.reference() : this.word(), isExtension });
      if (isExtension) this.expect(')');
    } while (this.accept('.'));
    return path;
  }

  optionValue(): OptionValue {
    if (this.isString()) return { kind: 'string', bytes: this.string() };
    if (this.peek() === '{' || this.peek() === '<') return this.#message();
    const sign = this.accept('-') ? '-' : '';
    const { kind, text } = this.#token;
    if (kind !== 'word' && kind !== 'number') this.fail('a value');
    this.#at += 1;
    return { kind, text: sign + text };
  }

  /** A message in text format, as options take it: `{ a: 1, b { c: "x" }, [ext.name]: [1, 2] }`. */
  #message(): OptionValue {
    const close = this.accept('{') ? '}' : '>';
    if (close === '>') this.expect('<');
    const fields: (NamePart & { values: OptionValue[] })[] = [];
    while (!this.accept(close)) {
      const isExtension = this.accept('[');
      const name = isExtension ? this.reference() : this.word();
      if (isExtension) this.expect(']');
      this.accept(':');
      fields.push({ name, isExtension, values: this.accept('[') ? this.#list() : [this.optionValue()] });
      if (!this.accept(',')) this.accept(';');
    }
    return { kind: 'message', fields };
  }

  #list(): OptionValue[] {
    const values: OptionValue[] = [];
    while (!this.accept(']')) {
      values.push(this.optionValue());
      if (this.peek() !== ']') this.expect(',');
    }
    return values;
  }

  #take(kind: Token['kind'], expected: string): string {
    const token = this.#token;
    if (token.kind !== kind) this.fail(expected);
    this.#at += 1;
    return token.text;
  }

  fail(expected: string): never {
    const { text, offset, kind } = this.#token;
    const found = kind === 'end' ? 'the end of the file' : JSON.stringify(text);
    throw new Error(`${this.#file}, line ${lineAt(this.#source, offset)}: expected ${expected}, found ${found}`);
  }
}

/** A whole number of the language: decimal, `0x` or octal, with a sign or not. */
export function toBigInt(text: string): bigint {
  const digits = text.replace(/^-/, '').replace(/^0(?=\d)/, '0o');
  return text.startsWith('-') ? -BigInt(digits) : BigInt(digits);
}
