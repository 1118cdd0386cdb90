// What the dashboard costs the primary: with the admin port off, with it on and nobody looking, and with the page open,
// as it asks once a second. The workers do nothing, so that all the primary does is keep them and answer.
import { judge, printTable } from './support/figures.js';
import { cpuTime, memory } from './support/process-usage.js';
import { startDaemon } from './support/servers.js';

const WORKERS = 4;
/** Of each measurement, in milliseconds. */
const LENGTH = 20_000;
/** In milliseconds: what a start still does once it is over. */
const SETTLE = 5000;
const INTERVAL = 1000;
/** In percent of one core. */
const GOAL_OPEN = 1;
const GOAL_CLOSED = 0.1;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function run() {
  const off = await measure({}, false);
  const closed = await measure({ admin: '127.0.0.1:0' }, false);
  const open = await measure({ admin: '127.0.0.1:0' }, true);
  printTable(
    ['', 'of a core, %', 'primary, MB'],
    Object.entries({ 'admin off': off, 'nobody looks': closed, 'the page is open': open }).map(([name, { share, rss }]) => [name, share.toFixed(3), rss.toFixed(1)]),
  );
  judge('an open dashboard', open.share - closed.share, GOAL_OPEN, ' % of a core');
  judge('a dashboard at which nobody looks', closed.share - off.share, GOAL_CLOSED, ' % of a core');
}

async function measure(config, isOpen) {
  const server = await startDaemon({ workers: WORKERS, ...config });
  try {
    await pause(SETTLE);
    const before = cpuTime(server.primary);
    const start = performance.now();
    const asked = isOpen ? { instance: '', samples: 0, marks: 0 } : null;
    while (performance.now() - start < LENGTH) {
      if (asked !== null) await ask(server, asked);
      await pause(INTERVAL);
    }
    const share = (cpuTime(server.primary) - before) / (10 * (performance.now() - start));
    return { share, rss: memory(server.primary).rss };
  } finally {
    await server.stop();
  }
}

/** As the page does: for what is new. */
async function ask(server, asked) {
  const { address } = server.log.find(({ event }) => event === 'admin.listening');
  const response = await fetch(`http://${address}/dashboard/feed?${new URLSearchParams(asked)}`);
  const { instance, samples, marks } = await response.json();
  Object.assign(asked, { instance, samples: samples.at(-1)?.seq ?? asked.samples, marks: marks.at(-1)?.seq ?? asked.marks });
}
