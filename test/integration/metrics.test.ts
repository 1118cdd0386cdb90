// The page of metrics, over real daemons: one page for all workers, whatever becomes of them meanwhile.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from 'node:tls';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { PREFACE } from '#src/http2/constants.js';
import { METRICS } from '#src/shared/metrics.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { GrpcJsPeer } from '../support/grpc-js-peer.js';
import { MixedLoad } from '../support/mixed-load.js';
import { hook, SERVICER, startOwn } from '../support/own-servicer.js';
import { skipUnless } from '../support/peers.js';
import { GrpcJsProbe } from '../support/probe.js';
import { adminUrl, Page, scrape } from '../support/scrape.js';

const config: UserConfig = { maxWorkers: 2, admin: '127.0.0.1:0' };
const PROBE = { grpc_service: 'probe.v1.Probe' };
const onLinux = process.platform !== 'linux' && 'needs SIGSTOP as on Linux';

/** Scrapes until it is told to stop, and asserts that no total of calls ever goes down. */
class Scraper {
  pages = 0;
  #last: Page | null = null;
  #isOver = false;
  readonly #running: Promise<void>;

  constructor(daemon: Daemon) {
    this.#running = (async () => {
      while (!this.#isOver) this.take(await scrape(daemon));
    })();
    // Told by stop().
    this.#running.catch(() => undefined);
  }

  take(page: Page): void {
    this.pages += 1;
    const before = new Map(this.#last?.series.map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]));
    this.#last = page;
    for (const { name, labels, value } of page.series) {
      const old = before.get(`${name} ${JSON.stringify(labels)}`) ?? 0;
      const isTotal = name.startsWith('grpc_server_') || name.endsWith('_total');
      if (isTotal) assert(value >= old, `${name} ${JSON.stringify(labels)} went down from ${old} to ${value}`);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }
}

/** Waits until no call is in progress: a client knows the end of one a moment before its server does. */
async function settled(daemon: Daemon): Promise<Page> {
  return await daemon.deadline.poll(async () => {
    const page = await scrape(daemon);
    return page.sum('grpc_server_started_total') === page.sum('grpc_server_handled_total') ? page : undefined;
  }, 'the end of all calls');
}

test('under load, reloads and kills, no total goes down; through reloads they are the calls that were made', async () => {
  await using daemon = await startDaemon({ config, deadline: 120_000 });
  const scraper = new Scraper(daemon);
  await using load = new MixedLoad(daemon.address);
  await daemon.until(load.loading(), 'the first answers');
  for (let round = 0; round < 3; round += 1) assert.equal((await daemon.reload()).report.verdict, 'done');
  const { calls, failed } = await daemon.until(load.stop(), 'the end of the load');
  assert.deepEqual(failed, []);
  const page = await settled(daemon);
  scraper.take(page);
  assert.equal(page.sum('grpc_server_started_total', PROBE), calls);
  assert.equal(page.sum('grpc_server_handled_total', { ...PROBE, grpc_code: 'OK' }), calls);
  assert.equal(page.sum('grpc_server_handling_seconds_count', PROBE), calls);
  assert.equal(page.sum('grpcserverd_worker_restarts_total', { reason: 'reload' }), 6);
  assert.equal(page.sum('grpcserverd_reloads_total', { verdict: 'done' }), 3);

  await using second = new MixedLoad(daemon.address);
  await daemon.until(second.loading(), 'more answers');
  for (let kill = 1; kill <= 3; kill += 1) {
    process.kill(daemon.workerPid(kill % 2), 'SIGKILL');
    await daemon.waitFor('worker.gone', { signal: 'SIGKILL' }, kill);
    await daemon.deadline.poll(async () => ((await scrape(daemon)).sum('grpcserverd_worker_up') === 2 ? true : undefined), 'both workers again');
  }
  await daemon.until(second.stop(), 'the end of the load');
  await scraper.stop();
  const end = await scrape(daemon);
  scraper.take(end);
  assert(end.sum('grpc_server_started_total', PROBE) > calls);
  assert.equal(end.sum('grpcserverd_worker_restarts_total', { reason: 'crash' }), 3);
  assert(scraper.pages > 20, `${scraper.pages} pages`);
});

test('a worker that leaves by itself, or is ended by user code, has told all its calls', async () => {
  await using daemon = await startOwn({ ...config, maxWorkers: 1 });
  daemon.dir.write(SERVICER, hook('await probe(server, context);', "process.on('SIGUSR2', () => process.exit(9));"));
  await using probe = new GrpcJsProbe(daemon.address);
  const echoes = async (): Promise<void> => {
    for (let call = 0; call < 10; call += 1) assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');
  };
  await echoes();
  process.kill(daemon.workerPid(), 'SIGTERM');
  await daemon.waitFor('worker.gone', { slot: 0 });
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
  assert.equal((await scrape(daemon)).sum('grpc_server_handled_total', { grpc_method: 'Echo', grpc_code: 'OK' }), 10);
  assert.equal((await scrape(daemon)).sum('grpcserverd_worker_restarts_total', { reason: 'signal' }), 1);
  await echoes();
  process.kill(daemon.workerPid(), 'SIGUSR2');
  assert.equal((await daemon.waitFor('worker.gone', { slot: 0 }, 2)).exitCode, 9);
  await daemon.waitFor('worker.ready', { slot: 0 }, 3);
  assert.equal((await scrape(daemon)).sum('grpc_server_handled_total', { grpc_method: 'Echo', grpc_code: 'OK' }), 20);
});

test('a killed worker loses no call that was told two seconds before', async () => {
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 1 } });
  await using probe = new GrpcJsProbe(daemon.address);
  for (let call = 0; call < 10; call += 1) assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');
  // Nobody scrapes: it is the heartbeat that tells.
  const { workers: [before] } = await daemon.status();
  await daemon.deadline.poll(async () => {
    const { workers: [worker] } = await daemon.status();
    return worker !== undefined && before !== undefined && worker.calls === 10 ? true : undefined;
  }, 'a heartbeat');
  process.kill(daemon.workerPid(), 'SIGKILL');
  await daemon.waitFor('worker.ready', { slot: 0 }, 2);
  assert.equal((await scrape(daemon)).sum('grpc_server_handled_total', { grpc_method: 'Echo', grpc_code: 'OK' }), 10);
});

test('a worker that stands still costs the page half a second, and the page says so', { skip: onLinux }, async () => {
  await using daemon = await startDaemon({ config });
  // What is loaded with the first scrape is not what is measured.
  assert.equal((await scrape(daemon)).sum('grpcserverd_workers_silent'), 0);
  const stopped = daemon.workerPid(0);
  process.kill(stopped, 'SIGSTOP');
  try {
    const begun = performance.now();
    const page = await scrape(daemon);
    const ms = performance.now() - begun;
    assert(ms >= 490 && ms < 1000, `${ms} ms`);
    assert.equal(page.sum('grpcserverd_workers_silent'), 1);
    assert.deepEqual(['0', '1'].map((slot) => page.sum('grpcserverd_worker_up', { slot })), [0, 1]);
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  await daemon.deadline.poll(async () => ((await scrape(daemon)).sum('grpcserverd_workers_silent') === 0 ? true : undefined), 'an answer of both');
});

test('every method has its rows from the first scrape on, and the page has the metrics of the table and no others', async () => {
  using certificates = await TestCertificates.make();
  await using daemon = await startDaemon({ config: { ...config, ...certificates.tls, transport: 'lean', balance: 'rpc' } });
  // Nobody has done wrong yet, so that no such error is known.
  const loud = connect({ host: '127.0.0.1', port: daemon.port, ALPNProtocols: ['h2'], rejectUnauthorized: false }).on('error', () => undefined);
  loud.resume().end(Buffer.concat([PREFACE, Buffer.alloc(64)]));
  const page = await daemon.deadline.poll(async () => {
    const read = await scrape(daemon);
    return read.series.some(({ name, labels, value }) => name === 'grpcserverd_router_faults_total' && labels.code === 'PROTOCOL_ERROR' && value === 1) ? read : undefined;
  }, 'the fault of a client', () => daemon.log.text);
  const names = [...page.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  assert.deepEqual(names.sort(), Object.entries(METRICS).map(([name, { type }]) => `${name} ${type}`).sort());
  for (const { name, labels } of page.series) {
    const known = Object.entries(METRICS).find(([metric]) => name.replace(/_(bucket|sum|count)$/, '') === metric || name === metric)?.[1].labels ?? {};
    for (const label of Object.keys(labels)) assert(label in known || label === 'le', `${name} has a label ${label}`);
  }
  assert.equal(page.sum('grpc_server_started_total'), 0);
  const codes = page.series.filter(({ name, labels }) => name === 'grpc_server_handled_total' && labels.grpc_method === 'Watch');
  assert.equal(codes.length, 17);
  assert(page.sum('grpcserverd_tls_certificate_expiry_timestamp_seconds') > Date.now() / 1000);
});

test('calls are counted with their status as Go spells it, their messages, their time and their kind', async () => {
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 1 } });
  await using probe = new GrpcJsProbe(daemon.address);
  await probe.call('Probe/Fail', { code: 5 });
  await probe.call('Probe/Sleep', { ms: 5000 }, { timeoutMs: 100 });
  await probe.call('Probe/Repeat', { times: 3, size: 1, ms: 1 });
  await probe.call('Probe/Collect', [{ size: 1 }, { size: 1 }]);
  const open = probe.open('Probe/Hold', { key: 'x' });
  await daemon.deadline.poll(async () => ((await scrape(daemon)).sum('grpc_server_started_total', { grpc_method: 'Hold' }) === 1 ? true : undefined), 'the start of a call');
  assert.equal((await scrape(daemon)).sum('grpc_server_handled_total', { grpc_method: 'Hold' }), 0, 'it has not ended');
  open.cancel();
  const page = await settled(daemon);
  const ended = (grpc_method: string, grpc_type: string): string[] =>
    page.series.filter(({ name, labels, value }) => name === 'grpc_server_handled_total' && value === 1 && labels.grpc_method === grpc_method && labels.grpc_type === grpc_type).map(({ labels }) => labels.grpc_code ?? '');
  assert.deepEqual(ended('Fail', 'unary'), ['NotFound']);
  assert.deepEqual(ended('Sleep', 'unary'), ['DeadlineExceeded']);
  assert.deepEqual(ended('Repeat', 'server_stream'), ['OK']);
  assert.deepEqual(ended('Collect', 'client_stream'), ['OK']);
  assert.deepEqual(ended('Hold', 'server_stream'), ['Canceled']);
  const messages = (grpc_method: string): number[] => ['received', 'sent'].map((way) => page.sum(`grpc_server_msg_${way}_total`, { grpc_method }));
  assert.deepEqual(['Fail', 'Repeat', 'Collect'].map(messages), [[1, 0], [1, 3], [2, 1]]);
  assert.equal(page.sum('grpc_server_handling_seconds_bucket', { grpc_method: 'Sleep', le: '0.05' }), 0);
  assert.equal(page.sum('grpc_server_handling_seconds_bucket', { grpc_method: 'Sleep', le: '5' }), 1);
});

test('methods that no service has are one row with transport: lean, and none with http2', async () => {
  for (const [transport, counted] of [['lean', 2], ['http2', 0]] as const) {
    await using daemon = await startDaemon({ config: { ...config, transport } });
    await using peer = new GrpcJsPeer(daemon.address);
    for (const method of ['/probe.v1.Probe/Nothing', '/a.B/C']) {
      assert.equal((await peer.call({ method, kind: 'unary', send: [Buffer.alloc(0)] })).code, 'UNIMPLEMENTED');
    }
    const page = await scrape(daemon);
    const rows = page.series.filter(({ name, labels }) => name === 'grpc_server_handled_total' && labels.grpc_service === 'unknown' && labels.grpc_code === 'Unimplemented');
    assert.deepEqual(rows.map(({ labels, value }) => [labels.grpc_method, value]), counted === 0 ? [] : [['unknown', counted]], transport);
  }
});

for (const balanced of [{}, { transport: 'lean', balance: 'rpc' }] as const) {
  test(`calls that the cap refuses are counted${'balance' in balanced ? ' with routers, too' : ''}`, async () => {
    await using daemon = await startDaemon({ config: { ...config, ...balanced, maxWorkers: 1, maximumConcurrentRpcs: 1 } });
    await using probe = new GrpcJsProbe(daemon.address);
    const held = probe.open('Probe/Hold', { key: 'x' });
    let refused = 0;
    await daemon.deadline.poll(async () => ((await probe.call('Probe/Echo', { size: 1 })).code === 'RESOURCE_EXHAUSTED' && (refused += 1) >= 3 ? true : undefined), 'three refusals');
    const rejected = async (): Promise<true | undefined> => ((await scrape(daemon)).sum('grpcserverd_rpcs_rejected_total', { reason: 'limit' }) === refused ? true : undefined);
    await daemon.deadline.poll(rejected, 'their number on the page', () => daemon.log.text);
    held.cancel();
  });
}

test('what routers do is counted, and goes on to be when one of them dies', async () => {
  await using daemon = await startDaemon({ config: { ...config, transport: 'lean', balance: 'rpc', routers: 2 } });
  await daemon.waitFor('router.ready', {}, 2);
  await using probe = new GrpcJsProbe(daemon.address);
  for (let made = 0; made < 3; made += 1) assert.equal((await probe.call('Probe/Echo', { size: 100 })).code, 'OK');
  const held = probe.open('Probe/Hold', { key: 'x' });
  await daemon.until(held.first, 'a call');
  const until = (isSo: (page: Page) => boolean, what: string): Promise<Page> =>
    daemon.deadline.poll(async () => {
      const page = await scrape(daemon);
      return isSo(page) ? page : undefined;
    }, what, () => daemon.log.text);
  const page = await until((read) => read.sum('grpcserverd_router_rpcs_total') === 4, 'four calls');
  const one = { router: '0' };
  assert.deepEqual(
    ['up', 'connections', 'links', 'inflight_rpcs', 'waiting_rpcs', 'rpcs_total', 'restarts_total'].map((name) => page.sum(`grpcserverd_router_${name}`, one)),
    [1, 1, page.sum('grpcserverd_worker_connections'), 1, 0, 4, 0],
  );
  assert.ok(page.sum('grpcserverd_worker_connections') >= 1, 'links');
  assert.ok(page.sum('grpcserverd_router_received_bytes_total', one) > 300 && page.sum('grpcserverd_router_sent_bytes_total', one) > 300);
  assert.equal(page.sum('grpcserverd_router_up', { router: '1' }), 1);
  process.kill((await daemon.status()).routers[0]?.pid ?? assert.fail('no router'), 'SIGKILL');
  assert.equal((await daemon.until(held.outcome, 'its end')).code, 'UNAVAILABLE');
  const after = await until((read) => read.sum('grpcserverd_router_restarts_total', one) === 1 && read.sum('grpcserverd_router_up') === 2, 'another router');
  assert.deepEqual(['rpcs_total', 'inflight_rpcs', 'connections'].map((name) => after.sum(`grpcserverd_router_${name}`, one)), [4, 0, 0]);
});

test('without routers there are no metrics of them', async () => {
  await using daemon = await startDaemon({ config: { ...config, balance: 'connection' } });
  assert.doesNotMatch((await scrape(daemon)).text, /grpcserverd_router_/);
});

test('calls that the signature check refuses are counted', async () => {
  using certificates = await TestCertificates.make();
  await using daemon = await startDaemon({ config: { ...config, ...certificates.tls, maxWorkers: 1, signature: true, signatureData: { 'x-key': 'hunter2' } } });
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
  assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'UNAUTHENTICATED');
  assert.equal((await probe.call('Probe/Echo', { size: 1 }, { metadata: [['x-key', 'hunter2']] })).code, 'OK');
  const page = await scrape(daemon);
  assert.equal(page.sum('grpcserverd_rpcs_rejected_total', { reason: 'signature' }), 1);
  assert.equal(page.sum('grpc_server_handled_total', { grpc_method: 'Echo', grpc_code: 'Unauthenticated' }), 1, 'it is a call as all others');
  assert(!page.text.includes('hunter2'));
});

test('promtool has nothing to say against the page', { skip: skipUnless('prometheus') }, async () => {
  await using daemon = await startDaemon({ config });
  const { text } = await scrape(daemon);
  // It prints what it does not like, also when it exits with 0.
  assert.equal(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' }), '');
});

test('Prometheus scrapes the page', { skip: skipUnless('prometheus') }, async () => {
  await using daemon = await startDaemon({ config, deadline: 60_000 });
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');
  const target = adminUrl(daemon).replace('http://', '');
  const file = daemon.dir.write('prometheus.yml', `scrape_configs:\n  - job_name: server\n    scrape_interval: 500ms\n    scrape_timeout: 400ms\n    static_configs: [{ targets: ['${target}'] }]\n`);
  const port = await freePort();
  const prometheus = spawn('prometheus', [`--config.file=${file}`, `--storage.tsdb.path=${daemon.dir.join('tsdb')}`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' });
  try {
    const ask = async (query: string): Promise<string | undefined> => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`).catch(() => null);
      if (response?.ok !== true) return undefined;
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      return data.result[0]?.value[1];
    };
    assert.equal(await daemon.deadline.poll(() => ask('sum(grpc_server_handled_total{grpc_method="Echo",grpc_code="OK"})'), 'a scrape'), '1');
    assert.equal(await ask('up'), '1');
    assert.equal(await ask('sum(grpcserverd_workers{state="ready"})'), '2');
    const p99 = await ask('histogram_quantile(0.99, sum by (le) (grpc_server_handling_seconds_bucket{grpc_method="Echo"}))');
    assert(p99 !== undefined && Number(p99) > 0 && Number(p99) <= 1, p99);
  } finally {
    prometheus.kill('SIGKILL');
    if (prometheus.exitCode === null && prometheus.signalCode === null) await once(prometheus, 'exit');
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert(address !== null && typeof address === 'object');
  return address.port;
}
