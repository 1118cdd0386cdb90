/** Runs in the browser. The methods that take longest, and those that fail most. */
import type { MethodRow, MethodsFeed } from '#src/control/dashboard-feed.js';
import { byId, setText } from './dom.js';
import { count, formatCount, formatMinute, formatMs, formatShare, NONE } from './format.js';
import { LiveTable, type Column } from './live-table.js';

const name: Column<MethodRow> = {
  head: 'Method', look: 'name text',
  cell: ({ name: full }, place) => {
    place.title = full;
    return full;
  },
};
const calls: Column<MethodRow> = { head: 'Calls', cell: (row) => formatCount(row.calls) };
const time = (ms: number | null): string => (ms === null ? NONE : formatMs(ms));

const SLOWEST: readonly Column<MethodRow>[] = [
  name,
  { head: 'Kind', look: 'text minor', cell: ({ kind }) => kind.replace('_', ' ') },
  calls,
  { head: 'p50', cell: ({ p50Ms }) => time(p50Ms) },
  { head: 'p99', cell: ({ p99Ms }) => time(p99Ms) },
];

const FAILING: readonly Column<MethodRow>[] = [
  name,
  calls,
  { head: 'Failed', cell: ({ failed }) => formatCount(failed) },
  { head: 'Share', cell: (row) => formatShare(row.failed / row.calls) },
  { head: 'By status', look: 'text wrap', cell: ({ errors }) => Object.entries(errors).map(([code, number]) => `${code}\u00a0${formatCount(number)}`).join(', ') },
];

export class MethodsView {
  readonly #slowest = new LiveTable(byId('slowest', HTMLTableElement), SLOWEST, 'No call has ended yet.');
  readonly #failing = new LiveTable(byId('failing', HTMLTableElement), FAILING, 'No call has failed.');
  readonly #note = byId('methods-note', HTMLElement);

  show({ slowest, failing, active, since }: MethodsFeed): void {
    setText(this.#note, `${count(active, 'method')} with calls since ${formatMinute(since)}`);
    this.#slowest.show(slowest);
    this.#failing.show(failing);
  }
}
