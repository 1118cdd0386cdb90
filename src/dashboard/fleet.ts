/** Runs in the browser. The tables of workers and routers. */
import type { RouterStatus, Status, WorkerStatus } from '#src/control/definition.js';
import { byId, setState, setText } from './dom.js';
import { formatAge, formatBytes, formatCount, formatMs, formatRate, formatShare, NONE } from './format.js';
import { LiveTable, type Column } from './live-table.js';

/** Older figures than these are worth a word, in seconds: heartbeats come every two. */
const STALE = 5;
const KNOWN_STATES = ['starting', 'ready', 'draining', 'gone'];

interface Process {
  readonly state: string;
}

const state: Column<Process> = {
  head: 'State', look: 'text',
  cell: (row, place) => {
    setState(place, row.state, KNOWN_STATES.includes(row.state) ? row.state : 'info');
    return null;
  },
};

const WORKER: readonly Column<WorkerStatus>[] = [
  { head: 'Slot', look: 'name', cell: ({ slot }) => String(slot) },
  state,
  { head: 'Gen', title: 'Generation', cell: ({ generation }) => String(generation) },
  { head: 'Pid', look: 'minor', cell: ({ pid }) => (pid === 0 ? NONE : String(pid)) },
  { head: 'Up', cell: ({ uptimeSeconds }) => formatAge(uptimeSeconds) },
  { head: 'Restarts', look: 'minor', cell: ({ restarts }) => formatCount(restarts) },
  { head: 'Conns', title: 'Connections', cell: ({ connections }) => formatCount(connections) },
  { head: 'In flight', cell: ({ inFlight }) => formatCount(inFlight) },
  { head: 'Calls/s', cell: ({ callsPerSecond }) => formatRate(callsPerSecond) },
  { head: 'p99', title: '99th percentile of the time of calls over two seconds', cell: ({ p99Ms }) => (p99Ms === 0 ? NONE : formatMs(p99Ms)) },
  { head: 'Delay', title: '99th percentile of the delay of the event loop over two seconds', cell: ({ eventLoopDelayMs }) => formatMs(eventLoopDelayMs) },
  { head: 'Busy', title: 'Share of the last two seconds in which the event loop was busy', look: 'minor', cell: ({ eventLoopUtilization }) => formatShare(eventLoopUtilization) },
  { head: 'Memory', title: 'Resident', cell: ({ rssBytes }) => formatBytes(rssBytes) },
  { head: 'Note', look: 'text remark', cell: remark },
];

const ROUTER: readonly Column<RouterStatus>[] = [
  { head: 'Index', look: 'name', cell: ({ index }) => String(index) },
  state,
  { head: 'Pid', look: 'minor', cell: ({ pid }) => (pid === 0 ? NONE : String(pid)) },
  { head: 'Up', cell: ({ uptimeSeconds }) => formatAge(uptimeSeconds) },
  { head: 'Restarts', look: 'minor', cell: ({ restarts }) => formatCount(restarts) },
  { head: 'Conns', title: 'Connections of clients', cell: ({ connections }) => formatCount(connections) },
  { head: 'Links', title: 'Connections to workers', look: 'minor', cell: ({ links }) => formatCount(links) },
  { head: 'In flight', cell: ({ inFlight }) => formatCount(inFlight) },
  { head: 'Waiting', title: 'Calls that wait for a worker', cell: ({ waiting }) => formatCount(waiting) },
  { head: 'Calls/s', cell: ({ callsPerSecond }) => formatRate(callsPerSecond) },
  { head: 'Buffered', cell: ({ bufferedBytes }) => formatBytes(bufferedBytes) },
  { head: 'Lost', title: 'Calls that ended because their worker did', cell: ({ lost }) => formatCount(lost) },
  { head: 'Broken', title: 'Connections that ended because their client broke the protocol', look: 'minor', cell: ({ broken }) => formatCount(broken) },
];

/** What is out of the ordinary with a worker. */
function remark({ state: now, cause, oldestCall, secondsLeft, heartbeatAgeSeconds, admitted, inspection }: WorkerStatus): string {
  const words: string[] = [];
  if (now === 'draining') words.push(`${cause === '' ? 'leaves' : cause}; ${formatAge(secondsLeft)} left`);
  if (oldestCall !== null) words.push(`waits for ${oldestCall.method}`);
  if (heartbeatAgeSeconds > STALE) words.push(`silent for ${formatAge(heartbeatAgeSeconds)}`);
  if (now === 'ready' && !admitted) words.push('gets no new calls');
  if (inspection !== '') words.push(inspection);
  return words.join('; ');
}

export class FleetView {
  readonly #workers = new LiveTable(byId('workers', HTMLTableElement), WORKER, 'There are no workers.');
  readonly #routers = new LiveTable(byId('routers', HTMLTableElement), ROUTER, 'There are no routers.');
  readonly #note = byId('workers-note', HTMLElement);
  readonly #section = byId('routers-section', HTMLElement);

  show({ workers, routers, goal }: Status): void {
    const ready = workers.filter((worker) => worker.state === 'ready').length;
    setText(this.#note, `${ready} of ${goal.workers} ready; ${goal.source === 'config' ? 'as the config says' : goal.source === 'scale' ? 'scaled by hand' : 'as the load wants'}`);
    this.#workers.show([...workers].sort((a, b) => a.slot - b.slot || a.generation - b.generation));
    this.#section.hidden = routers.length === 0;
    this.#routers.show(routers);
  }
}
