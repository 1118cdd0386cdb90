import { LATENCY_BUCKETS } from '../../shared/latency-buckets.js';
import { METRICS, type MetricSpec } from '../../shared/metrics.js';
import { generatedFrom } from './generated.js';

/** docs/metrics.md */
export function metricsPage(): string {
  const rows = Object.entries<MetricSpec>(METRICS).map(([name, { type, help, labels }]) => {
    const list = Object.keys(labels).map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${list === '' ? '–' : list} | ${help} |\n`;
  });
  return `\
<!-- ${generatedFrom('src/shared/metrics.ts and src/config/render/metrics-page.ts')} -->

# Metrics, probes and the access log

\`\`\`yaml
admin: 127.0.0.1:9090      # or [::]:9090, or unix:/path; off by default
\`\`\`

The primary serves one HTTP page for the whole server there. It is not encrypted and asks for no password: keep it on
loopback or on a network of your own. It takes \`GET\` and \`HEAD\`, one request a connection, within ten seconds, from 64
connections at a time. A reload that changes the address opens the new one before the old one closes. A listening socket that is
passed with the name \`admin\` wins over the address (systemd/README.md).

| path | |
|---|---|
| \`/metrics\` | the metrics below, in the text format of Prometheus |
| \`/livez\` | 200 while the primary runs; a stop included |
| \`/readyz\` | 200 when \`minReadyWorkers\` workers (1 unless set) are ready, else 503 and why not |

\`/readyz\` stays 200 through a reload. At a stop it turns first, and gRPC health with it; then the daemon serves on for
\`shutdownDelay\` (0 unless set), new connections included, so that load balancers notice before the port closes. A quick
stop, or a second signal, ends the wait.

## Exactness

A scrape asks all workers and waits half a second for each at the most: counters hold every call that ended before the
scrape, and no total goes down when a worker is replaced. A worker that hangs is counted in \`grpcserverd_workers_silent\`,
and its calls are those that it told last, as are those of a worker that is killed: two seconds old at the most. A worker that leaves by itself tells all. Every method of the server has its rows from the first scrape on, with all 17
codes: 37 lines each, so that no rate misses its first call.

With \`transport: lean\`, calls of methods that no service has are counted under one name, \`unknown\`; with
\`transport: http2\`, grpc-js answers them before anybody sees them, and they are not counted. Health checks are calls as
all others are. So are calls that the cap or the signature check refuse.

## The metrics

| name | type | labels | meaning |
|---|---|---|---|
${rows.join('')}
Labels:

${labelLines().join('')}
The buckets of \`grpc_server_handling_seconds\` end at ${LATENCY_BUCKETS.join(', ')} seconds.

## Access log

\`\`\`yaml
log:
  access: errors           # or all; off by default
  accessSample: 1          # with all: of the calls that end OK, one in so many
\`\`\`

One line of log, [\`call.ended\`](events.md#callended), for each call: method, peer, status, time, messages and their
bytes in both directions, and as on every line of a worker its slot, generation and pid. Metadata and messages are never in it. A line costs about half
of what a small call does, and writing it to a pipe comes on top ([benchmarks.md](benchmarks.md#the-access-log)); lines
that nobody reads fast enough are dropped and counted. Lines have the level info, so \`log.level\` must let that through.

## OpenTelemetry

\`\`\`yaml
preload: [./telemetry.js]  # or a package: "@opentelemetry/auto-instrumentations-node/register"
\`\`\`

\`preload\` names JavaScript modules that node loads in each worker with \`--import\`, before grpc-js and before servicers. Each
worker has, in the environment variable \`OTEL_RESOURCE_ATTRIBUTES\`, a \`service.instance.id\` of its own and its
\`grpcserverd.slot\`, after what the variable held before. Without that id the figures of one worker would overwrite those of the others.
`;
}

/** What labels may hold; one that holds something else in another metric is said with its metric. */
function labelLines(): string[] {
  const meanings = Object.entries<MetricSpec>(METRICS).flatMap(([metric, { labels }]) => Object.entries(labels).map(([label, values]) => ({ metric, label, values })));
  return meanings
    .filter(({ label, values }, index) => meanings.findIndex((each) => each.label === label && each.values === values) === index)
    .map(({ metric, label, values }) => {
      const isOne = meanings.every((each) => each.label !== label || each.values === values);
      return `- \`${label}\`${isOne ? '' : ` of \`${metric}\``}: ${values}\n`;
    });
}
