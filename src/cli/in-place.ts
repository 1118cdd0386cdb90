import type { WriteStream } from 'node:tty';
import { clip } from './output.js';

const HIDE_CURSOR = '\u001B[?25l';
const SHOW_CURSOR = '\u001B[?25h';
const CLEAR_RIGHT = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
const CLEAR_ALL = '\u001B[H\u001B[2J';

/** A block of text on a terminal that is drawn again over itself; what was drawn last stays when it ends. */
export class InPlace {
  readonly #out: WriteStream;
  #height = 0;
  #isStale = false;
  readonly #showCursor = (): void => {
    this.#out.write(SHOW_CURSOR);
  };

  constructor(out: WriteStream) {
    this.#out = out;
    // However the command ends.
    process.once('exit', this.#showCursor);
    out.on('resize', () => (this.#isStale = true));
    out.write(HIDE_CURSOR);
  }

  /** @param text ends with a newline; what does not fit on the screen is left out */
  draw(text: string): void {
    const { columns, rows } = this.#out;
    const lines = text.split('\n').slice(0, -1).slice(0, rows - 1).map((line) => clip(line, columns));
    // A terminal that changed its size has moved the lines about.
    const back = this.#isStale ? CLEAR_ALL : this.#height === 0 ? '' : `\u001B[${this.#height}A\r`;
    this.#out.write(`${back}${lines.map((line) => `${CLEAR_RIGHT}${line}\n`).join('')}${CLEAR_BELOW}`);
    this.#height = lines.length;
    this.#isStale = false;
  }
}
