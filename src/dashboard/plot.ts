/**
 * Runs in the browser. One plot: its picture, the figures of its lines at the moment pointed at, and the same as a table.
 * The picture is a slider to the keyboard and to screen readers, whose value is that moment.
 */
import type { Cursor } from './cursor.js';
import { element, setAttribute, setText, swatch } from './dom.js';
import { drawMarks } from './draw-marks.js';
import { formatClock, formatMinute, NONE } from './format.js';
import { minuteRows } from './minute-rows.js';
import { plotData, sampleAt } from './plot-data.js';
import { MOST_LINES, type Line, type PlotSpec } from './plot-list.js';
import { plotOptions } from './plot-options.js';
import { DASHES, readTheme, type Theme } from './theme.js';
import type { Timeline } from './timeline.js';

/** How far a key moves the cursor, in samples; a minute is about thirty. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -30, PageUp: 30, Home: -Infinity, End: Infinity };

export class Plot {
  readonly element: HTMLElement;
  readonly #spec: PlotSpec;
  readonly #timeline: Timeline;
  readonly #cursor: Cursor;
  readonly #picture: HTMLElement;
  readonly #legend = element('ul', { class: 'legend' });
  readonly #table = element('table');
  readonly #details: HTMLDetailsElement;
  #lines: readonly Line[] = [];
  #theme: Theme = readTheme();
  #plot: uPlot | null = null;

  constructor(spec: PlotSpec, timeline: Timeline, cursor: Cursor) {
    const { id, title, doc } = spec;
    this.#spec = spec;
    this.#timeline = timeline;
    this.#cursor = cursor;
    this.#picture = element('div', { class: 'picture', tabindex: '0', role: 'slider', 'aria-label': `${title}, moment`, 'aria-describedby': `${id}-doc`, 'aria-valuemin': '0' });
    const summary = element('summary', { 'aria-label': `${title} as a table` }, 'Table');
    this.#details = element('details', {}, summary, element('div', { class: 'scroll' }, this.#table));
    const heading = element('h3', { id: `${id}-title`, title: doc }, title);
    this.element = element('section', { class: 'plot', id: `plot-${id}`, 'aria-labelledby': `${id}-title` }, heading, this.#legend, this.#picture, this.#details, element('p', { id: `${id}-doc`, class: 'unseen' }, doc));
    this.#details.addEventListener('toggle', () => this.#showTable());
    this.#picture.addEventListener('keydown', (event) => this.#press(event));
    this.#picture.addEventListener('pointerleave', () => cursor.move(null));
    this.#picture.addEventListener('blur', () => cursor.move(null));
    cursor.onMove((at) => this.#point(at));
    new ResizeObserver(() => this.#fit()).observe(this.#picture);
  }

  /** The time line has changed. */
  show(): void {
    const { samples } = this.#timeline;
    this.#lines = this.#spec.lines(samples);
    this.#plot?.setData(plotData(samples, this.#lines, MOST_LINES));
    this.#point(this.#cursor.at);
    this.#showTable();
  }

  /** The reader has changed from light to dark, or back. */
  recolour(): void {
    this.#theme = readTheme();
    this.#plot?.redraw();
  }

  #fit(): void {
    const width = this.#picture.clientWidth;
    if (width === 0) return;
    if (this.#plot !== null) {
      this.#plot.setSize({ width, height: this.#plot.height });
      return;
    }
    const sources = {
      theme: () => this.#theme,
      range: () => [this.#timeline.start, this.#timeline.now] as const,
      onDraw: (plot: uPlot) => drawMarks(plot, this.#timeline.marks, this.#theme),
      onPoint: (plot: uPlot) => this.#pointed(plot),
    };
    this.#plot = new uPlot(plotOptions(this.#spec, width, sources), plotData(this.#timeline.samples, this.#lines, MOST_LINES), this.#picture);
  }

  /** The pointer is over this plot; the others follow. */
  #pointed(plot: uPlot): void {
    const { left = -1 } = plot.cursor;
    if (left >= 0) this.#cursor.move(plot.posToVal(left, 'x') * 1000);
  }

  #press(event: KeyboardEvent): void {
    const { samples } = this.#timeline;
    const step = STEPS[event.key];
    if (event.key === 'Escape') this.#cursor.move(null);
    if (step === undefined || samples.length === 0) return;
    event.preventDefault();
    const at = this.#cursor.at ?? this.#timeline.now;
    const here = samples.findLastIndex((sample) => sample.at <= at);
    const there = samples[Math.min(samples.length - 1, Math.max(0, here + step))];
    if (there !== undefined) this.#cursor.move(there.at);
  }

  #point(at: number | null): void {
    const { samples } = this.#timeline;
    const sample = at === null ? (samples.at(-1) ?? null) : sampleAt(samples, at);
    const figures = this.#lines.map((line) => ({ label: line.label, text: this.#text(sample === null ? null : line.value(sample)) }));
    const left = at === null || this.#plot === null ? -10 : this.#plot.valToPos(at / 1000, 'x');
    this.#plot?.setCursor({ left, top: at === null ? -10 : 10 }, false);
    this.#showLegend(figures);
    // A slider that has the focus is read out when its value changes, and nobody wants to hear all of them.
    if (at === null && document.activeElement === this.#picture && this.#picture.hasAttribute('aria-valuetext')) return;
    setAttribute(this.#picture, 'aria-valuemax', String(Math.max(0, samples.length - 1)));
    setAttribute(this.#picture, 'aria-valuenow', String(sample === null ? 0 : samples.indexOf(sample)));
    const words = figures.map(({ label, text }) => `${label} ${text}`).join(', ');
    setAttribute(this.#picture, 'aria-valuetext', sample === null ? 'nothing known' : `${at === null ? 'now' : formatClock(sample.at)}: ${words}`);
  }

  #text(value: number | null): string {
    return value === null ? NONE : this.#spec.format(value);
  }

  #showLegend(figures: readonly { label: string; text: string }[]): void {
    while (this.#legend.children.length > figures.length) this.#legend.lastElementChild?.remove();
    for (const [index, { label, text }] of figures.entries()) {
      const item = this.#legend.children[index] ?? this.#addItem(index);
      const [name, figure] = item.querySelectorAll('span');
      if (name !== undefined) setText(name, label);
      if (figure !== undefined) setText(figure, text);
    }
  }

  #addItem(index: number): Element {
    const item = element('li', {}, swatch(index + 1, DASHES[index] ?? []), element('span', { class: 'label' }), element('span', { class: 'figure' }));
    this.#legend.append(item);
    return item;
  }

  #showTable(): void {
    if (!this.#details.open) return;
    const rows = minuteRows(this.#timeline.samples, this.#lines, this.#spec.inTable);
    const head = ['Minute', ...this.#lines.map(({ label }) => label)].map((label) => element('th', { scope: 'col' }, label));
    const caption = element('caption', {}, `${this.#spec.title}, ${this.#spec.inTable === 'mean' ? 'mean' : 'highest'} of each minute`);
    const body = rows.map(({ at, values }) =>
      element('tr', {}, element('th', { scope: 'row' }, formatMinute(at)), ...values.map((value) => element('td', {}, this.#text(value)))));
    this.#table.replaceChildren(caption, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body));
  }
}
