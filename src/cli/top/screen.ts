import type { ReadStream, WriteStream } from 'node:tty';
import { keysIn } from './keys.js';

/** Another screen, no cursor, no wrapped lines; and what undoes that. */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l';
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
const CLEAR_RIGHT = '\u001B[K';

export interface ScreenEvents {
  onKey(key: string): void;
  onResize(): void;
}

/** The whole terminal, for a while. However the process ends, the terminal is then as it was found. */
export class Screen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #events: ScreenEvents;
  #state: 'entered' | 'left' = 'left';
  #shown = '';
  readonly #restore = (): void => this.leave();
  readonly #onData = (chunk: string): void => {
    for (const key of keysIn(chunk)) this.#events.onKey(key);
  };
  readonly #onResize = (): void => {
    this.#shown = '';
    this.#events.onResize();
  };

  constructor(input: ReadStream, output: WriteStream, events: ScreenEvents) {
    this.#input = input;
    this.#output = output;
    this.#events = events;
  }

  get size(): { width: number; height: number } {
    // A terminal that does not know its size says 0.
    return { width: this.#output.columns || 80, height: this.#output.rows || 24 };
  }

  enter(): void {
    if (this.#state === 'entered') return;
    this.#state = 'entered';
    this.#shown = '';
    // Also after an exception that nothing caught.
    process.once('exit', this.#restore);
    this.#input.setRawMode(true);
    this.#input.setEncoding('utf8');
    this.#input.on('data', this.#onData);
    this.#input.resume();
    this.#output.on('resize', this.#onResize);
    this.#output.write(ENTER);
  }

  draw(lines: readonly string[]): void {
    // Cleared before it is written: after a full line the cursor stands on its last column, and would clear that.
    const text = HOME + lines.map((line) => CLEAR_RIGHT + line).join('\r\n');
    if (this.#state === 'left' || text === this.#shown) return;
    this.#shown = text;
    this.#output.write(text);
  }

  leave(): void {
    if (this.#state === 'left') return;
    this.#state = 'left';
    process.off('exit', this.#restore);
    this.#input.off('data', this.#onData);
    this.#output.off('resize', this.#onResize);
    this.#input.pause();
    try {
      this.#output.write(LEAVE);
      this.#input.setRawMode(false);
    } catch {
      // The terminal itself is gone.
    }
  }
}
