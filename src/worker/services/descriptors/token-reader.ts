/** Runs in workers: reads the tokens of a .proto file one by one. */
import { lineAt, tokenize, unquote, type Token } from './proto-tokens.js';

const END: Token = { kind: 'end', text: '', offset: Infinity };

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

  get isAtString(): boolean {
    return this.#token.kind === 'string';
  }

  /** The next token's text when it is not a string; looks `ahead` tokens further. */
  peek(ahead = 0): string {
    const token = this.#tokens[this.#at + ahead];
    return token === undefined || token.kind === 'string' ? '' : token.text;
  }

  /** Takes the next token if it reads so. */
  accept(text: string): boolean {
    if (this.peek() !== text) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) this.fail(`"${text}"`);
  }

  word(): string {
    return this.#take('word', 'a name').text;
  }

  wordOrNumber(): { readonly kind: 'word' | 'number'; readonly text: string } {
    const kind = this.#token.kind === 'word' ? 'word' : 'number';
    return { kind, text: this.#take(kind, 'a value').text };
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
    return sign * Number(toBigInt(this.#take('number', 'a whole number').text));
  }

  /** Adjacent literals are one. */
  string(): Buffer {
    const parts: Buffer[] = [];
    do parts.push(unquote(this.#take('string', 'a string').text));
    while (this.isAtString);
    return Buffer.concat(parts);
  }

  #take(kind: Token['kind'], expected: string): Token {
    const token = this.#token;
    if (token.kind !== kind) this.fail(expected);
    this.#at += 1;
    return token;
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
