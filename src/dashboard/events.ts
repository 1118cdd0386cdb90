/** Runs in the browser. What happened, newest first; each entry points at its moment in the plots. */
import type { Mark } from '#src/control/dashboard-feed.js';
import type { Cursor } from './cursor.js';
import { byId, element, glyph, setText } from './dom.js';
import { count, formatClock } from './format.js';
import type { Timeline } from './timeline.js';

export class EventsView {
  readonly #list = byId('events', HTMLElement);
  readonly #note = byId('events-note', HTMLElement);
  readonly #cursor: Cursor;
  readonly #items = new Map<Mark, HTMLLIElement>();

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  show({ marks }: Timeline): void {
    setText(this.#note, marks.length === 0 ? 'none in this time' : count(marks.length, 'event'));
    for (const [mark, item] of this.#items) {
      if (marks.includes(mark)) continue;
      item.remove();
      this.#items.delete(mark);
    }
    for (const mark of marks) {
      if (this.#items.has(mark)) continue;
      const item = this.#describe(mark);
      this.#items.set(mark, item);
      this.#list.prepend(item);
    }
  }

  #describe({ at, kind, severity, title, detail }: Mark): HTMLLIElement {
    const button = element(
      'button',
      { type: 'button', class: 'event', 'data-severity': severity, 'data-kind': kind },
      element('time', { datetime: new Date(at).toISOString() }, formatClock(at)),
      glyph(severity === 'info' && kind === 'reload' ? 'reload' : severity),
      element('span', { class: 'title' }, ...(severity === 'info' ? [] : [element('span', { class: 'unseen' }, `${severity}: `)]), title),
      element('span', { class: 'detail' }, detail),
    );
    const point = (): void => this.#cursor.move(at);
    const leave = (): void => this.#cursor.move(null);
    for (const name of ['pointerenter', 'focus', 'click']) button.addEventListener(name, point);
    for (const name of ['pointerleave', 'blur']) button.addEventListener(name, leave);
    return element('li', {}, button);
  }
}
