/**
 * THE option table. Types, flags, environment variables, `--help`, the JSON Schema, docs/options.md, the example
 * file and `config show` all derive from it; nothing about an option is written anywhere else.
 */
import { choice, duration, flag, integer, list, orOff, orWord, path, size, text, type OptionType } from './option-types.js';
import { certificate, channelOptions, endpoint, interceptor, listenHost, pathPattern, preloadModule, secret, servicer, signatureData } from './option-values.js';

export interface OptionSpec<Out = unknown, In = unknown> {
  readonly type: OptionType<Out, In>;
  /** Absent: the option is required. */
  readonly default?: Out;
  /** One line; its first words are the help text of the flag. */
  readonly doc: string;
  readonly section: Section;
  /** What it takes for a new value to count: the next reload, or a restart of the daemon. */
  readonly applies: 'reload' | 'restart';
}

export const SECTIONS = ['Services', 'Security', 'Listening', 'Workers', 'Calls', 'Connections', 'Operation'] as const;
export type Section = (typeof SECTIONS)[number];

const define = <Out, In>(
  section: Section,
  type: OptionType<Out, In>,
  fallback: Out | undefined,
  doc: string,
  applies: 'reload' | 'restart' = 'reload',
): OptionSpec<Out, In> => ({ type, section, doc, applies, ...(fallback === undefined ? {} : { default: fallback }) });

const HEALTH = 'grpc.health.v1.Health/*';
const YEAR = 365 * 86_400_000;

export const OPTIONS = {
  servicers: define('Services', list(servicer), undefined,
    'Modules that export grpcHook(server, context) (also default export or grpc_hook)'),
  interceptors: define('Services', list(interceptor), [],
    'Modules that export a grpc-js ServerInterceptor; outermost first; { module, options } calls the export once with options'),
  health: define('Services', flag(), true, 'Serve grpc.health.v1.Health (Check, Watch, List)'),
  reflection: define('Services', flag(), true, 'Serve grpc.reflection v1 and v1alpha'),
  loadReports: define('Services', flag(), false,
    'Serve xds.service.orca.v3.OpenRcaService: the load of the whole server, for clients with weighted_round_robin (docs/load-balancers.md)'),
  channelz: define('Services', flag(), false, 'Serve grpc.channelz.v1 (each worker describes itself)'),

  authentication: define('Security', orOff(choice('ssl')), null, 'TLS for clients: "ssl" needs certificates'),
  'certificates.serverCertificate': define('Security', orOff(certificate), null, 'Certificate chain of the server, leaf first'),
  'certificates.serverCertificateKey': define('Security', orOff(certificate), null, 'Private key of the server'),
  'certificates.rootCertificate': define('Security', orOff(certificate), null,
    'Authorities that client certificates are checked against; alone it does not demand client certificates'),
  allowWorldReadableKeys: define('Security', flag(), false,
    'Accept a private key, or a file of signatureData, that every user of the machine may read'),
  clientAuthentication: define('Security', choice('none', 'request', 'require'), 'none',
    'Client certificates: not asked for, asked for and checked when given, or demanded; needs rootCertificate'),
  signature: define('Security', flag(), false, 'Refuse calls whose metadata lacks signatureData; needs authentication "ssl"'),
  signatureData: define('Security', signatureData, {},
    'Pairs that must be present in the metadata of a call: text, a list of texts (rotation), or { file: path }, which is followed when it changes'),
  signatureExempt: define('Security', list(text('"pkg.Svc/Method" or "pkg.Svc/*"', /^[\w.]+\/(?:\w+|\*)$/)), [HEALTH],
    'Methods that need no signature: "pkg.Svc/Method" or "pkg.Svc/*"'),

  host: define('Listening', listenHost, '::',
    'Address to listen on (:: is every address, IPv4 included), or unix:/path; sockets that systemd passes win'),
  port: define('Listening', integer(0, 65_535), 50_051, 'Port to listen on; 0 lets the system choose'),

  maxWorkers: define('Workers', orWord('auto', integer(1, 1024)), 'auto',
    'Worker processes; auto is the available parallelism, a cgroup quota included'),
  minWorkers: define('Workers', orWord('maxWorkers', integer(1, 1024)), 'maxWorkers',
    'With fewer than maxWorkers, the fleet starts with this many and grows and shrinks with the load (docs/scaling.md)'),
  maxCallsPerWorker: define('Workers', orOff(integer(1, 1e12)), null,
    'A worker is replaced after this many calls (+-20 %), its replacement first; checked every 2 s'),
  maxWorkerAge: define('Workers', orOff(duration(1000, YEAR)), null, 'A worker is replaced after this long (+-20 %), its replacement first'),
  maxWorkerMemory: define('Workers', orOff(size(2 ** 40)), null,
    'A worker is replaced when its resident memory was above this (+-20 %) twice in a row, 2 s apart; its replacement first'),
  startTimeout: define('Workers', duration(100), 30_000, 'How long a worker may take until it is ready'),
  gracefulTimeout: define('Workers', duration(), 30_000, 'How long unary calls may go on in a worker that leaves'),
  streamGracefulTimeout: define('Workers', duration(), 30_000, 'How long streaming calls may go on in a worker that leaves'),
  hangTimeout: define('Workers', duration(4000), 20_000,
    'A worker without a heartbeat for this long is killed; at three quarters of it, it gets no new connections'),
  bootConcurrency: define('Workers', orWord('auto', integer(1, 1024)), 'auto',
    'Workers that may boot at the same time; auto is the available parallelism'),
  surge: define('Workers', orWord('all', integer(1, 1024)), 'all',
    'Workers above the goal that may exist during a reload; all: the whole new generation is ready before an old worker leaves'),
  autoreload: define('Workers', flag(), false,
    'Reload when the config, a servicer, an interceptor, a proto, a certificate or a file that the workers loaded changes'),
  'watch.include': define('Workers', list(pathPattern), [],
    'More files for autoreload: files, folders, or patterns with *, ** and ?'),
  'watch.exclude': define('Workers', list(pathPattern), [], 'What autoreload leaves alone: files, folders, or patterns; they win'),
  nodeArguments: define('Workers', list(text('an argument of node, such as "--max-old-space-size=512"', /^-/)), [],
    'Arguments of node for the workers'),
  preload: define('Workers', list(preloadModule), [],
    'JavaScript modules that node loads in each worker before anything else (--import), such as an OpenTelemetry SDK'),

  maximumConcurrentRpcs: define('Calls', orOff(integer(1, 1e9)), null,
    'Calls in progress in the whole server; the workers share them out; excess calls get RESOURCE_EXHAUSTED'),
  maxReceiveMessageLength: define('Calls', orOff(size()), 4 * 2 ** 20, 'Largest message accepted, after decompression'),
  maxSendMessageLength: define('Calls', orOff(size()), null, 'Largest message sent'),
  maxMetadataSize: define('Calls', size(2 ** 24), 16 * 1024, 'Largest metadata of a call, 32 bytes more for each pair counted in; with transport: lean'),
  options: define('Calls', channelOptions, {}, 'Channel options of grpc-js for the Server; they win over the options here'),

  balance: define('Connections', choice('connection', 'rpc'), 'rpc',
    'What is shared out among the workers: connections, or with routers in front each call; with transport: http2 the default is connection', 'restart'),
  routers: define('Connections', integer(1, 64), 1, 'Processes that own the connections, with balance: rpc', 'restart'),
  queueTimeout: define('Connections', duration(100), 5000, 'How long a call waits for a worker that takes it, with balance: rpc'),
  transport: define('Connections', choice('http2', 'lean'), 'lean',
    'What carries the calls: lean is ours; http2 is Node\'s own, for three times the CPU', 'restart'),
  'keepalive.time': define('Connections', orOff(duration(1000)), 60_000, 'Ping a client after this long without a sign of it'),
  'keepalive.timeout': define('Connections', duration(100), 20_000, 'Close the connection when a ping stays unanswered this long'),
  'keepalive.minClientInterval': define('Connections', orOff(duration(100)), 300_000,
    'A client without calls that pings more often than this, three times while it is sent nothing, is sent away; with calls every 5 s is fine; with transport: lean'),
  maxConnectionAge: define('Connections', orOff(duration(1000)), null, 'Ask a client to reconnect after this long (+-10 %)'),
  maxConnectionAgeGrace: define('Connections', duration(), 30_000, 'How long its calls may go on after that'),
  maxConnectionIdle: define('Connections', orOff(duration(1000)), null, 'Close a connection without calls after this long'),
  maxConcurrentStreams: define('Connections', integer(1, 2 ** 31 - 1), 1000, 'Calls in progress on one connection'),
  maxConnections: define('Connections', orWord('auto', integer(1, 1e7)), 'auto',
    'Connections in total; auto is 80 % of the limit of open files'),
  maxConnectionsPerAddress: define('Connections', orOff(integer(1, 1e7)), null,
    'Connections from one IPv4 address, or from one IPv6 network of 64 bits; a proxy in front is one address'),

  'log.level': define('Operation', choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'), 'info', 'Least severe level that is logged'),
  'log.access': define('Operation', orOff(choice('errors', 'all')), null,
    'One line of log, call.ended, for every call that ended otherwise than OK, or for all; off logs none'),
  'log.accessSample': define('Operation', integer(1, 1e9), 1, 'Of the calls that ended OK, log.access logs one in this many'),
  'log.format': define('Operation', choice('auto', 'json', 'pretty'), 'auto', 'auto is pretty on a terminal and JSON elsewhere', 'restart'),
  admin: define('Operation', orOff(endpoint), null,
    'Address of the HTTP page with the dashboard, /metrics, /livez and /readyz: host:port or unix:/path (docs/metrics.md)'),
  adminToken: define('Operation', orOff(secret), null,
    'Secret that the dashboard asks for to reload and scale: text, or { file: path }; without it, it only shows (docs/dashboard.md)'),
  minReadyWorkers: define('Operation', integer(1, 1024), 1, 'Ready workers from which on /readyz says ready'),
  shutdownDelay: define('Operation', duration(), 0,
    'How long a stop goes on serving after /readyz and health have turned, so that load balancers send their calls elsewhere'),
  name: define('Operation', text('letters, digits, ".", "_" and "-"', /^[A-Za-z0-9][\w.-]{0,63}$/), 'default',
    'Name of the daemon; one daemon per name', 'restart'),
  runtimeDir: define('Operation', orOff(path()), null,
    'Folder for the control socket and state; off is $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/grpcserverd, /run/grpcserverd (root) or a private temporary folder', 'restart'),
  pidfile: define('Operation', orOff(path()), null, 'File to write the pid of the primary to', 'restart'),
} as const;

export type OptionKey = keyof typeof OPTIONS;

type Table = typeof OPTIONS;
type Output<Spec> = Spec extends OptionSpec<infer Out, never> ? Out : Spec extends OptionSpec<infer Out> ? Out : never;
type Input<Spec> = Spec extends { readonly type: OptionType<infer _Out, infer In> } ? In : never;
type Head<Key extends string> = Key extends `${infer First}.${string}` ? First : Key;
type Tail<Key extends string, First extends string> = Key extends `${First}.${infer Rest}` ? Rest : never;

/** The resolved settings, as every process gets them: complete, checked, frozen, plain data. */
export type Config = {
  readonly [First in Head<OptionKey>]: First extends keyof Table
    ? Output<Table[First]>
    : { readonly [Rest in Tail<OptionKey, First>]: Output<Table[`${First}.${Rest}` & keyof Table]> };
};

/** What a config file may hold. */
export type UserConfig = {
  readonly [First in Head<OptionKey>]?: First extends keyof Table
    ? Input<Table[First]>
    : { readonly [Rest in Tail<OptionKey, First>]?: Input<Table[`${First}.${Rest}` & keyof Table]> };
};

export const OPTION_KEYS = Object.keys(OPTIONS) as OptionKey[];

/** The spec of an option, its types erased; for code that treats all options alike. */
export function optionSpec(key: OptionKey): OptionSpec {
  return OPTIONS[key];
}
