import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { styleFor, widthOf } from '#src/cli/output.js';
import { keysIn } from '#src/cli/top/keys.js';
import { press, START, type Model, type Order } from '#src/cli/top/model.js';
import { viewTop } from '#src/cli/top/view.js';
import { COLUMNS } from '#src/cli/worker-table.js';
import { NOW, routerOf, statusOf, workerOf } from '../../support/status.js';

const style = styleFor({});
const MODEL: Model = { ...START, status: statusOf(), statusAt: NOW };

const view = (model: Model, width = 80, height = 24): string[] => viewTop(model, { width, height, style, now: NOW });

/** The model and the orders after those keys. */
function typed(keys: string, model = MODEL): { model: Model; orders: Order[] } {
  const orders: Order[] = [];
  for (const key of keysIn(keys)) {
    const next = press(model, key);
    model = next.model;
    if (next.order !== null) orders.push(next.order);
  }
  return { model, orders };
}

describe('the keys of top', () => {
  test('are characters and Esc; arrows, function keys and Alt are none', () => {
    assert.deepEqual(keysIn('r+\u0003'), ['r', '+', '\u0003']);
    assert.deepEqual(keysIn('\u001B[A\u001B[15~\u001BOP\u001Bxq\u001B'), ['q', 'escape']);
    assert.deepEqual(keysIn('\u001B[1;5Cé😀'), ['é', '😀']);
  });

  test('quit, from wherever Ctrl-C is typed', () => {
    assert.deepEqual(typed('q').orders, ['quit']);
    for (const before of ['', 'r', '?']) assert.deepEqual(typed(`${before}\u0003`).orders, ['quit']);
  });

  test('reload only after a yes', () => {
    assert.deepEqual(typed('ry').orders, ['reload']);
    for (const no of ['n', 'q', '\r', '\u001B', 'r']) assert.deepEqual(typed(`r${no}`), { model: MODEL, orders: [] });
  });

  test('scale one at a time, and back to the config', () => {
    assert.deepEqual(typed('++-=').orders, ['scale-up', 'scale-up', 'scale-down', 'scale-config']);
  });

  test('go through all columns and back', () => {
    assert.equal(typed('s').model.sort, 1);
    assert.equal(typed('S').model.sort, COLUMNS.length - 1);
    assert.equal(typed('s'.repeat(COLUMNS.length)).model.sort, 0);
  });

  test('clear what an order said; any key leaves the help', () => {
    assert.deepEqual(typed('x', { ...MODEL, message: ['2 -> 3 workers.'] }).model.message, []);
    assert.equal(typed('?').model.mode, 'help');
    assert.deepEqual(typed('?q'), { model: MODEL, orders: [] });
  });
});

describe('the screen of top', () => {
  test('at 80 x 24', () => {
    const lines = view(MODEL);
    assert.equal(lines.length, 24);
    assert.deepEqual(lines.slice(0, 6), [
      'shop: healthy at [::]:50051, pid 4700, up 1d1h, generation 2',
      'Workers 2 of 2 ready, as configured; 24 conns, 6 calls, 501/s, p99 12ms, 176M',
      '',
      'SLOT  PID GEN STATE UPTIME RESTARTS CONNS CALLS CALLS/S  P99 DELAY RSS',
      '   0 4711   2 ready   1h1m        1    12     3     250 12ms 1.2ms 88M',
      '   1 4712   2 ready   1h1m        1    12     3     250 12ms 1.2ms 88M',
    ]);
    assert.equal(lines.at(-1), 'q quit  s sort (slot)  r reload  + - scale  ? help');
  });

  test('never has more lines or columns than the terminal, and always the keys', () => {
    const workers = Array.from({ length: 60 }, (_, slot) => workerOf(slot, { inspection: slot % 2 === 0 ? 'inspector open at ws://127.0.0.1:1' : '' }));
    const full: Model = { ...MODEL, status: statusOf({ workers, problems: ['words '.repeat(200), 'more'] }), message: ['verdict '.repeat(100)] };
    for (const [width, height] of [[80, 24], [40, 10], [132, 50], [20, 3], [200, 1]] as const) {
      for (const mode of ['table', 'help', 'confirm-reload'] as const) {
        const lines = view({ ...full, mode }, width, height);
        assert.equal(lines.length, height);
        assert.deepEqual(lines.filter((line) => widthOf(line) > width), []);
        assert.match(lines.at(-1) ?? '', /quit|goes back|Reload/);
      }
    }
  });

  test('has the routers, the first of many, and counts connections there: those of workers are links', () => {
    const of = (count: number): string[] => view({ ...MODEL, status: statusOf({ routers: Array.from({ length: count }, (_, index) => routerOf(index)) }) });
    assert.deepEqual(of(1).slice(1, 4), [
      'Workers 2 of 2 ready, as configured; 12 conns, 6 calls, 501/s, p99 12ms, 176M',
      'Router pid 4801, up 1m: 12 connections, 20 links, 5 calls, 1200/s; 88M in, 90M',
      'out, 0M in it',
    ]);
    assert.deepEqual(of(4).filter((line) => /^(Router|\.\.\.)/.test(line)).map((line) => line.slice(0, 15)), ['Router 0 pid 48', 'Router 1 pid 48', '... and 2 more ']);
  });

  test('counts the workers that do not fit, and shows no half of one', () => {
    const workers = Array.from({ length: 30 }, (_, slot) => workerOf(slot, { inspection: 'inspector open at ws://127.0.0.1:1' }));
    const lines = view({ ...MODEL, status: statusOf({ workers }) });
    const shown = lines.filter((line) => /^ +\d+ +47/.test(line)).length;
    assert.ok(shown > 3);
    assert.equal(lines.filter((line) => line.includes('inspector')).length, shown);
    assert.ok(lines.includes(`... and ${30 - shown} more`));
  });

  test('is sorted by the column chosen, the largest figures first', () => {
    const workers = [workerOf(0, { inFlight: 1 }), workerOf(1, { inFlight: 9 }), workerOf(2, { inFlight: 1 })];
    const slots = (sort: number): (string | undefined)[] => view({ ...MODEL, sort, status: statusOf({ workers }) }).map((line) => /^ {3}(\d) /.exec(line)?.[1]).filter((slot) => slot !== undefined);
    assert.deepEqual(slots(0), ['0', '1', '2']);
    assert.deepEqual(slots(COLUMNS.findIndex(({ title }) => title === 'CALLS')), ['1', '0', '2']);
  });

  test('asks before a reload, shows what came of an order, and says when the figures are old', () => {
    assert.equal(view({ ...MODEL, mode: 'confirm-reload' }).at(-1), 'Reload shop? y: yes, any other key: no');
    assert.equal(view({ ...MODEL, message: ['2 -> 3 workers.'] }).at(-2), '2 -> 3 workers.');
    assert.equal(view({ ...MODEL, statusAt: NOW - 7000 })[0], 'shop: no news for 7s, primary pid 4700');
    assert.ok(view({ ...MODEL, mode: 'help' }).some((line) => line.includes('one worker more, one fewer')));
    assert.equal(view(START)[0], 'Waiting for the daemon...');
  });
});
