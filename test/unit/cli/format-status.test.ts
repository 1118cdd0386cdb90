import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReloadReport, Status } from '#src/control/definition.js';
import { formatStatus } from '#src/cli/format-status.js';
import { styleFor, widthOf } from '#src/cli/output.js';
import { NOW, routerOf, statusOf, workerOf } from '../../support/status.js';

const PLAIN = styleFor({});
const COLOURED = styleFor({ isTTY: true }, {});

const screen = (status: Status, width = 80): string => formatStatus(status, { width, style: PLAIN, now: NOW });

const REPORT: ReloadReport = {
  verdict: 'rolled-back', cause: 'SIGHUP', generation: 2, endedAt: NOW - 300_000, tookMs: 1234, error: 'orders.js:3:5: unexpected token',
  hint: 'Mend orders.js.', code: 'E_SERVICER', drained: [], restartRequired: [],
};

describe('status', () => {
  test('of a healthy daemon is a few lines and a table', () => {
    assert.equal(
      screen(statusOf()),
      `shop: healthy at [::]:50051
Primary      pid 4700, up 1d1h, generation 2, version 1.2.3
Workers      2 of 2 ready, as configured
Services     shop.v1.Orders, shop.v1.Catalog
Config       /etc/grpcserverd/config.yaml

SLOT  PID GEN STATE UPTIME RESTARTS CONNS CALLS CALLS/S  P99 DELAY RSS
   0 4711   2 ready   1h1m        1    12     3     250 12ms 1.2ms 88M
   1 4712   2 ready   1h1m        1    12     3     250 12ms 1.2ms 88M
`,
    );
  });

  test('has a line for each router, with what went wrong on it', () => {
    const lines = (...routers: Parameters<typeof routerOf>[1][]): string[] =>
      screen(statusOf({ routers: routers.map((facts, index) => routerOf(index, facts)) }), 1000).split('\n').filter((line) => line.startsWith('Router'));
    assert.deepEqual(lines({}), ['Router       pid 4801, up 1m: 12 connections, 20 links, 5 calls, 1200/s; 88M in, 90M out, 0M in it']);
    assert.deepEqual(
      lines({ waiting: 3, bufferedBytes: 2e6, restarts: 1, lost: 4, refused: 5, broken: 3, faults: { PROTOCOL_ERROR: 2, ENHANCE_YOUR_CALM: 1 } }, { state: 'starting' }),
      [
        'Router 0     pid 4801, up 1m: 12 connections, 20 links, 5 calls and 3 that wait, 1200/s; 88M in, 90M out, 2M in it; restarts: 1; '
          + 'calls lost with their workers: 4; calls refused: 5; clients that broke the protocol: 3 (2 PROTOCOL_ERROR, 1 ENHANCE_YOUR_CALM)',
        'Router 1     pid 4802, starting, up 1m: 12 connections, 20 links, 5 calls, 1200/s; 88M in, 90M out, 0M in it',
      ],
    );
  });

  test('says all that is wrong or under way', () => {
    const workers = [
      workerOf(0, { state: 'draining', generation: 1, cause: 'reload', secondsLeft: 18.4, oldestCall: { method: '/shop.v1.Orders/Watch', peer: '10.0.0.1:5', ageMs: 71_000 } }),
      workerOf(0, { pid: 0, state: 'starting' }),
      workerOf(1, { heartbeatAgeSeconds: 9, admitted: false, inspection: 'inspector open at ws://127.0.0.1:9' }),
    ];
    const text = screen(
      statusOf({
        workers, health: 'degraded', tls: true, goal: { workers: 2, generation: 2, source: 'scale' }, lastReload: REPORT, restartRequired: ['name', 'balance'],
        problems: ['Slot 0 has no ready worker', 'The last reload failed (rolled-back): orders.js:3:5: unexpected token'],
        reload: { stage: 'starting', cause: 'reload command', generation: 2, workers }, 
        certificate: { subject: 'O=Shop, CN=shop.example', fingerprint: 'AB:CD', expiresAt: NOW + 86_400_000 * 5.5, warning: 'expires on 2030-01-20T12:00:00Z, in 5 days' },
      }),
    );
    for (const line of [
      'shop: degraded at [::]:50051 (TLS)',
      'Workers      1 of 2 ready, set by scale',
      'Certificate  expires in 5 days, on 2030-01-20',
      '             O=Shop, CN=shop.example',
      'Reload       generation 2: 1 of 2 ready (reload command)',
      'Last reload  rolled back 5m ago after 1.2s; generation 2 serves on (SIGHUP)',
      '             Mend orders.js.',
      'Restart      needed before these count: name, balance',
      '! Slot 0 has no ready worker',
      '! The last reload failed (rolled-back): orders.js:3:5: unexpected token',
      '     leaves (reload): 3 calls left, oldest /shop.v1.Orders/Watch 71.0s old, 18s to go',
      '     no sign of life for 9s: its figures are that old',
      '     inspector open at ws://127.0.0.1:9',
      '     takes no new calls',
    ]) {
      assert.ok(text.split('\n').some((shown) => shown === line || shown === `${line.slice(0, 79)}…`), `${line}\n${text}`);
    }
    // What a worker that starts has not said yet is no zero.
    assert.match(text, /^ {3}0 +- +2 +starting +1h1m +1 +12 +- +- +- +- +-$/m);
  });

  test('fits the screen from 80 columns on, with large numbers too', () => {
    const large = workerOf(127, {
      pid: 4_194_304, state: 'draining', generation: 9999, uptimeSeconds: 86_399, restarts: 99, connections: 99_999, inFlight: 99_999,
      callsPerSecond: 99_999, p99Ms: 99_000, eventLoopDelayMs: 999, rssBytes: 99.9e9, cause: 'maxWorkerMemory',
      oldestCall: { method: `/shop.v1.${'Long'.repeat(20)}/Method`, peer: '', ageMs: 1 },
    });
    const problems = ['words '.repeat(40)];
    for (const width of [80, 100, 120]) {
      const lines = screen(statusOf({ workers: [large], problems, services: Array.from({ length: 20 }, (_, index) => `shop.v1.Service${index}`) }), width).split('\n');
      assert.deepEqual(lines.filter((line) => widthOf(line) > width), [], `${width} columns`);
    }
    assert.match(screen(statusOf(), 120), /BUSY/);
  });

  test('has the same text with colours, and states in theirs', () => {
    const coloured = formatStatus(statusOf({ lastReload: { ...REPORT, verdict: 'done', error: '', hint: '' } }), { width: 120, style: COLOURED, now: NOW });
    assert.ok(coloured.includes('\u001B[32mhealthy\u001B[0m') && coloured.includes('\u001B[32mready\u001B[0m'));
    const bare = formatStatus(statusOf({ lastReload: { ...REPORT, verdict: 'done', error: '', hint: '' } }), { width: 120, style: PLAIN, now: NOW });
    // eslint-disable-next-line no-control-regex -- the colours are what it takes away
    assert.equal(coloured.replaceAll(/\u001B\[\d+m/g, ''), bare);
  });
});
