/** Runs in workers: the words of a .proto file, by the language specifications on protobuf.dev. */

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'symbol' | 'end';
  readonly text: string;
  readonly offset: number;
}

const SKIPPED = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
const TOKEN = new RegExp(
  [
    /(?<word>[A-Za-z_]\w*)/,
    /(?<number>0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/,
    /(?<string>"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')/,
    /(?<symbol>[^])/,
  ].map(({ source }) => source).join('|'),
  'y',
);
const KINDS = ['word', 'number', 'string', 'symbol'] as const;

/** One token after the other; the last is of kind `end`. */
export function* tokenize(source: string): Generator<Token, void> {
  let offset = source.startsWith('\uFEFF') ? 1 : 0;
  for (;;) {
    SKIPPED.lastIndex = offset;
    TOKEN.lastIndex = offset + (SKIPPED.exec(source)?.[0].length ?? 0);
    const start = TOKEN.lastIndex;
    const groups = TOKEN.exec(source)?.groups;
    if (groups === undefined) {
      yield { kind: 'end', text: '', offset: start };
      return;
    }
    offset = TOKEN.lastIndex;
    const kind = KINDS.find((name) => groups[name] !== undefined) ?? 'symbol';
    yield { kind, text: source.slice(start, offset), offset: start };
  }
}

/** Line of an offset, from 1. */
export const lineAt = (source: string, offset: number): number => source.slice(0, offset).split('\n').length;

export interface Import {
  /** As written. */
  readonly path: string;
  readonly isWeak: boolean;
  readonly line: number;
}

/** What a .proto file imports. Reads no further than the first definition, as no import may follow it. */
export function importsOf(source: string): Import[] {
  const imports: Import[] = [];
  let statement: Token[] = [];
  for (const token of tokenize(source)) {
    if (token.text !== ';' && token.kind !== 'end') {
      statement.push(token);
      continue;
    }
    const [keyword, modifier] = statement;
    if (keyword?.text === 'import') {
      const strings = statement.filter(({ kind }) => kind === 'string');
      const path = strings.map(({ text }) => unquote(text).toString()).join('');
      imports.push({ path, isWeak: modifier?.text === 'weak', line: lineAt(source, keyword.offset) });
    } else if (keyword !== undefined && /^(?:message|enum|service|extend)$/.test(keyword.text)) break;
    statement = [];
  }
  return imports;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };

const PIECE = /\\(?:[xX]([\da-fA-F]{1,2})|([0-7]{1,3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))|[^\\]+/g;

/** The bytes that a string literal stands for; they need not be UTF-8. */
export function unquote(literal: string): Buffer {
  const parts = literal.slice(1, -1).matchAll(PIECE);
  return Buffer.concat(
    [...parts].map(([text, hex, octal, short, long, other]) => {
      if (hex !== undefined) return Buffer.from([parseInt(hex, 16)]);
      if (octal !== undefined) return Buffer.from([parseInt(octal, 8)]);
      const codePoint = short ?? long;
      if (codePoint !== undefined) return Buffer.from(String.fromCodePoint(parseInt(codePoint, 16)));
      return Buffer.from(other === undefined ? text : (ESCAPES[other] ?? other));
    }),
  );
}
