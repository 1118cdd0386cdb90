/** Runs in the browser. Whether the server answers; said once when that changes, and the page is pale while it does not. */
import { byId, setState } from './dom.js';
import { formatClock } from './format.js';

export class LinkState {
  readonly #place = byId('link', HTMLElement);
  #lastAnswer: number | null = null;

  constructor() {
    setState(this.#place, 'connecting', 'starting', 'connecting');
  }

  live(): void {
    this.#lastAnswer = Date.now();
    document.body.dataset.link = 'live';
    setState(this.#place, 'live', 'ready', 'live');
  }

  gone(): void {
    document.body.dataset.link = 'gone';
    const since = this.#lastAnswer === null ? '' : ` since ${formatClock(this.#lastAnswer)}`;
    setState(this.#place, 'gone', 'gone', `no answer${since}; trying again`);
  }
}
