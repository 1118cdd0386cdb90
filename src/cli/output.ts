/** Text with and without colours: with, only where a person looks at it. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly green: (text: string) => string;
}

/** Colours when the stream is a terminal and NO_COLOR (no-color.org) is not set. */
export function styleFor(stream: { readonly isTTY?: boolean }, env: Readonly<Record<string, string | undefined>> = process.env): Style {
  const isColoured = stream.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  const paint = (code: number) => (text: string) => (isColoured && text !== '' ? `\u001B[${code}m${text}\u001B[0m` : text);
  return { bold: paint(1), dim: paint(2), red: paint(31), yellow: paint(33), green: paint(32) };
}

/** Rows with their columns aligned, two spaces apart. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows.map((row) => `${indent}${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('');
}

/** Begins a colour or ends it. */
// eslint-disable-next-line no-control-regex -- an escape is what it looks for
const PAINT = /(\u001B\[\d+m)/g;
const UNPAINT = '\u001B[0m';

/** The text on one line, without what could move the cursor: names and errors come from elsewhere. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it takes away
  return text.replace(/\u001B\[[\d;]*[A-Za-z]/g, '').replace(/[\u0000-\u001F\u007F-\u009F]+/g, ' ').trim();
}

/** How many columns a text takes. */
export function widthOf(text: string): number {
  return text.replace(PAINT, '').length;
}

/** The text cut to that many columns, its colours ended. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let room = Math.max(0, width - 1);
  let clipped = '';
  for (const part of text.split(PAINT)) {
    const isPaint = part.startsWith('\u001B');
    clipped += isPaint ? part : part.slice(0, room);
    if (!isPaint) room = Math.max(0, room - part.length);
    if (room === 0) break;
  }
  return `${clipped}…${clipped.includes('\u001B') ? UNPAINT : ''}`;
}

/** Lines of whole words, none longer than `width` unless a word is. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
