/** Runs in the browser. The moment pointed at, and what happened then. */
import type { Cursor } from './cursor.js';
import { byId, setText } from './dom.js';
import { formatClock } from './format.js';
import type { Timeline } from './timeline.js';

/** How near a mark has to be to be meant, in milliseconds: a few pixels of a plot. */
const NEAR = 6000;

export class Readout {
  readonly #place = byId('readout', HTMLElement);
  readonly #timeline: Timeline;

  constructor(timeline: Timeline, cursor: Cursor) {
    this.#timeline = timeline;
    cursor.onMove((at) => this.#show(at));
  }

  #show(at: number | null): void {
    const near = at === null ? [] : this.#timeline.marks.filter((mark) => Math.abs(mark.at - at) <= NEAR);
    const words = near.map(({ title, detail }) => (detail === '' ? title : `${title}: ${detail}`));
    setText(this.#place, at === null ? '' : [formatClock(at), ...words].join(' · '));
  }
}
