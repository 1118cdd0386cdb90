/** Runs in workers: reads what the statements of a .proto file have in common, and collects its options. */
import type { Optioned, Range } from './file-descriptor.js';
import type { NamePart, OptionStatement, OptionValue } from './option-statement.js';
import { TokenReader } from './token-reader.js';

type PathAndValue = Pick<OptionStatement, 'path' | 'value'>;

export class StatementReader extends TokenReader {
  /** "proto3" or "editions"; undefined is proto2. */
  syntax: string | undefined;
  readonly options: OptionStatement[] = [];

  /** `{ ... }`; the function reads one statement. */
  block(statement: () => void): void {
    this.expect('{');
    while (!this.accept('}')) if (!this.accept(';')) statement();
    this.accept(';');
  }

  /** `option a = 1;` */
  option(target: Optioned, type: string, scope: string): void {
    this.expect('option');
    this.options.push({ target, type: `google.protobuf.${type}`, scope, ...this.#pathAndValue() });
    this.expect(';');
  }

  /** `[a = 1, (b).c = "x"]`, if there; the function may keep options to itself by returning true. */
  bracketed(target: Optioned, type: string, scope: string, keeps?: (option: PathAndValue) => boolean): void {
    if (!this.accept('[')) return;
    do {
      const option = this.#pathAndValue();
      if (keeps?.(option) !== true) this.options.push({ target, type: `google.protobuf.${type}`, scope, ...option });
    } while (this.accept(','));
    this.expect(']');
  }

  /**
   * `reserved 1, 3 to 5, "old", older;`
   * @param exclusive 1 where the end of a range is not part of it
   * @param max What `max` stands for.
   */
  reserved(target: { reservedRange: Range[]; reservedName: string[] }, exclusive: 0 | 1, max: number): void {
    this.expect('reserved');
    do {
      if (this.isAtString) target.reservedName.push(this.string().toString());
      else if (/^[A-Za-z_]/.test(this.peek())) target.reservedName.push(this.word());
      else target.reservedRange.push(this.range(exclusive, max));
    } while (this.accept(','));
    this.expect(';');
  }

  range(exclusive: 0 | 1, max: number): Range {
    const start = this.integer();
    const end = !this.accept('to') ? start : this.accept('max') ? max : this.integer();
    return { start, end: end + exclusive };
  }

  #pathAndValue(): PathAndValue {
    const path = this.#path();
    this.expect('=');
    return { path, value: this.#value() };
  }

  /** `name`, `(ext.name)`, and what follows behind dots. */
  #path(): NamePart[] {
    const path: NamePart[] = [];
    do {
      const isExtension = this.accept('(');
      path.push({ name: isExtension ? this.reference() : this.word(), isExtension });
      if (isExtension) this.expect(')');
    } while (this.accept('.'));
    return path;
  }

  #value(): OptionValue {
    if (this.isAtString) return { kind: 'string', bytes: this.string() };
    if (this.peek() === '{' || this.peek() === '<') return this.#message();
    const sign = this.accept('-') ? '-' : '';
    const { kind, text } = this.wordOrNumber();
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
      fields.push({ name, isExtension, values: this.accept('[') ? this.#list() : [this.#value()] });
      if (!this.accept(',')) this.accept(';');
    }
    return { kind: 'message', fields };
  }

  #list(): OptionValue[] {
    const values: OptionValue[] = [];
    while (!this.accept(']')) {
      values.push(this.#value());
      if (this.peek() !== ']') this.expect(',');
    }
    return values;
  }
}
