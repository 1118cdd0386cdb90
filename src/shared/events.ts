/**
 * The log events: an API. Tests, alerts and log queries may rely on the names and fields below; docs/events.md is
 * made from this table. Every line also carries `role`, `pid`, and for workers `slot` and `generation`.
 */
export interface EventSpec {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly doc: string;
  /** Field name -> meaning. */
  readonly fields: Readonly<Record<string, string>>;
}

const CALL = { method: 'full method name, /pkg.Svc/Method', peer: 'address of the client' } as const;

export const EVENTS = {
  'daemon.starting': {
    level: 'info', doc: 'The primary has a valid config and begins.',
    fields: { version: 'of grpcserverd', node: 'version of Node', config: 'path of the config file, or null', name: 'of the daemon' },
  },
  'daemon.listening': {
    level: 'info', doc: 'The address is open; connections wait until a worker is ready. Again when a reload has changed it.',
    fields: { address: 'host:port or unix:/path', port: 'the bound port, null for unix sockets' },
  },
  'daemon.sockets-passed': {
    level: 'info', doc: 'The service manager has passed listening sockets (LISTEN_FDS); they win over host and port of the config.',
    fields: { sockets: 'name and address of each', instead: 'the address of the config, which is not opened' },
  },
  'daemon.ready': {
    level: 'info', doc: 'The whole fleet of the first start is ready.',
    fields: {
      address: 'host:port or unix:/path', port: 'the bound port, null for unix sockets', tls: 'true when clients must use TLS',
      workers: 'how many are ready', services: 'names of the services', bootMs: 'milliseconds since the start',
      callLimit: 'null, or how maximumConcurrentRpcs is shared out: "5 calls in progress: 3 + 2"',
    },
  },
  'daemon.stopping': { level: 'info', doc: 'A stop began; no new connections.', fields: { cause: 'signal or command', quick: 'true when calls get at most 2 s' } },
  'daemon.stopped': { level: 'info', doc: 'Last line of a daemon.', fields: { ms: 'how long the stop took', cut: 'calls that had to be cut' } },
  'daemon.lingering': {
    level: 'warn', doc: 'After the last line: something held the process of the daemon although all of it had stopped, so it was ended. Please report it, unless a module of your NODE_OPTIONS does it.',
    fields: { ms: 'how long it was waited for', resources: 'what held it, in the words of Node' },
  },
  'daemon.failed': { level: 'fatal', doc: 'The daemon cannot start or go on.', fields: { code: 'see docs/errors.md', error: 'what happened', hint: 'what to do' } },
  'daemon.zombies': {
    level: 'warn', doc: 'The daemon is PID 1, as in a container without an init, and processes that others had started have ended and stay, for nobody takes them away. Said once.',
    fields: { count: 'how many', processes: 'name and pid of the first five', hint: 'what to do' },
  },
  'daemon.leaving': {
    level: 'info', doc: 'A stop is to come: readiness and health have turned, and the daemon serves on until shutdownDelay is over.',
    fields: { cause: 'signal or command', ms: 'until the stop' },
  },
  'admin.listening': { level: 'info', doc: 'The page with metrics and probes is there; on a socket named admin, if one was passed, whatever the config says. Again when a reload has changed its address.', fields: { address: 'host:port or unix:/path' } },
  'admin.failed': { level: 'error', doc: 'The page could not answer, which is a fault of grpcserverd itself.', fields: { path: 'what was asked for', error: 'stack' } },
  'reload.started': { level: 'info', doc: 'A new generation is being started.', fields: { cause: 'what asked for it', generation: 'its number' } },
  'reload.ended': {
    level: 'info', doc: 'A reload is over; an error unless its verdict is done.',
    fields: {
      cause: 'what asked for it', verdict: 'done, refused, rolled-back, halted or pre-empted', generation: 'that serves now',
      ms: 'how long it took', error: 'the first error, or null', hint: 'what to do, or null', finished: 'calls that old workers finished', cut: 'calls that had to be cut',
    },
  },
  'upgrade.started': {
    level: 'info', doc: 'A new daemon was started to take the place of this one.',
    fields: { successor: 'its pid', version: 'of the new grpcserverd', command: 'what is run' },
  },
  'upgrade.taken-over': { level: 'info', doc: 'Said by the new daemon: it is the one that serves now.', fields: { predecessor: 'pid of the old one', consent: 'granted, or gone: the old one had died' } },
  'upgrade.ended': {
    level: 'info', doc: 'Said by the old daemon: the new one serves and this one drains; or an error, and this one serves on.',
    fields: {
      verdict: 'done, refused, failed or pre-empted', successor: 'pid of the new one, or null', version: 'of the new grpcserverd, or null',
      ms: 'how long it took', error: 'why not, or null', hint: 'what to do, or null',
    },
  },
  'autoreload.watching': { level: 'info', doc: 'Autoreload watches; said again when it is something else that it watches.', fields: { files: 'how many', by: 'system, or polling' } },
  'autoreload.polling': { level: 'warn', doc: 'The system cannot watch all files (it may be out of inotify watches), so they are looked at again and again.', fields: { error: 'what the system said', ms: 'between two looks' } },
  'autoreload.triggered': { level: 'info', doc: 'Watched files hold something else; a reload follows.', fields: { cause: 'the first file, and how many more', files: 'paths of the first ten', count: 'how many' } },
  'autoreload.answered': { level: 'info', doc: 'The new code serves.', fields: { cause: 'the first file, and how many more', generation: 'that serves now', ms: 'since the file was saved' } },
  'code.changed': {
    level: 'warn', doc: 'Files hold something else than when their generation was proven. Until a reload no worker is recycled or added; one that crashes is replaced, with what is on disk. Said again, with the count 0, when they hold the same again.',
    fields: { generation: 'that was proven', cause: 'the first file, and how many more', count: 'how many' },
  },
  'fleet.scaled': { level: 'info', doc: 'The number of workers changes.', fields: { before: 'workers', after: 'workers', source: 'config, scale or elastic' } },
  'config.warning': { level: 'warn', doc: 'The config is valid but probably not what was meant.', fields: { warning: 'what and why' } },
  'certificates.replaced': {
    level: 'info', doc: 'The certificate files changed and are good: new connections get them, in all workers. A warning when there are warnings.',
    fields: {
      subject: "of the server's certificate", validUntil: 'when the first certificate of its chain expires', fingerprint: 'its SHA-256',
      authorities: 'subjects of rootCertificate', workers: 'how many were told', warnings: 'sentences about what will not do for long',
    },
  },
  'certificates.refused': {
    level: 'warn', doc: 'The certificate files changed and have been no good for five seconds; what was read before serves on. Said once for each problem.',
    fields: { error: 'what is wrong, and with which file', hint: 'what to do', subject: 'of the certificate in use', validUntil: 'when it expires' },
  },
  'certificates.mended': {
    level: 'info', doc: 'The certificate files were refused, and hold now what is in use.',
    fields: { subject: 'of the certificate in use', validUntil: 'when it expires' },
  },
  'certificates.expiring': {
    level: 'warn', doc: 'A certificate in use expires soon: said at once, and when fewer than 30, 7 and 1 days are left. An error when it has expired, which is said every day of the one of the server.',
    fields: {
      certificate: 'server, or authority (of rootCertificate)', subject: 'its name', validUntil: 'when it expires; the first of its chain for the server',
      days: 'that are left, rounded down; below 0 when it has expired',
    },
  },
  'signature.replaced': {
    level: 'info', doc: 'The files of signatureData changed and are good: new calls are checked against them, in all workers.',
    fields: { keys: 'of the metadata, all of signatureData', workers: 'how many were told' },
  },
  'signature.refused': {
    level: 'warn', doc: 'The files of signatureData changed and have been no good for five seconds; what was read before counts on. Said once for each problem.',
    fields: { error: 'what is wrong, and with which file', hint: 'what to do' },
  },
  'signature.mended': { level: 'info', doc: 'The files of signatureData were refused, and hold now what is in use.', fields: {} },
  'connection.refused': {
    level: 'warn', doc: 'Connections were closed at once; said at most once a second.',
    fields: { reason: 'over-limit, over-address-limit, queue-full, queue-timeout, stopping or out-of-descriptors', count: 'how many since the last such line' },
  },
  'connection.tls-failed': { level: 'info', doc: 'A TLS handshake failed or took too long.', fields: { peer: 'address of the client', error: 'why' } },
  'connection.broken': {
    level: 'debug', doc: 'A client broke the rules of HTTP/2, and its connection was ended; with transport: lean.',
    fields: { peer: 'address of the client', code: 'the error code of RFC 9113 section 7', error: 'what it did' },
  },
  'connection.limited': {
    level: 'warn', doc: 'Clients came to a limit of their connection; said at most once a second of each limit by each worker and router. How loud depends on the limit: what friendly clients do every day is info or debug.',
    fields: { reason: 'which limit (docs/security.md)', count: 'how often since the last such line', peer: 'address of the last of them' },
  },
  'link.broken': { level: 'error', doc: 'A link to a router broke the rules, which none does; its calls are lost.', fields: { error: 'what it did' } },
  'router.starting': { level: 'info', doc: 'A router was forked; with balance: rpc.', fields: { index: 'of the router', router: 'its pid', cause: 'boot or crash' } },
  'router.ready': { level: 'info', doc: 'A router takes connections.', fields: { index: 'of the router', router: 'its pid', bootMs: 'milliseconds since the fork' } },
  'router.failed': { level: 'error', doc: 'A router cannot start.', fields: { index: 'of the router', router: 'its pid', error: 'why' } },
  'router.console': { level: 'warn', doc: 'A router printed a line, as it does of an error that ends it.', fields: { index: 'of the router', router: 'its pid', stream: 'stdout or stderr', line: 'the line' } },
  'router.killed': { level: 'warn', doc: 'A router was late to start, or silent for hangTimeout.', fields: { index: 'of the router', router: 'its pid', cause: 'startTimeout, silent or stop' } },
  'router.gone': {
    level: 'info', doc: 'A router exited; a warning, and replaced, when nobody had told it to. Its connections are gone with it; workers are not touched.',
    fields: { index: 'of the router', router: 'its pid', cause: 'stop or crash', exitCode: 'or null', signal: 'or null' },
  },
  'systemd.notify-failed': { level: 'warn', doc: 'systemd could not be told how the daemon is; it is tried again every five seconds, and said again when the reason changes.', fields: { error: 'why' } },
  'systemd.watchdog-withheld': {
    level: 'warn', doc: "systemd's watchdog gets no sign of life now; after WatchdogSec= without one, systemd ends the daemon and starts it again.",
    fields: { cause: 'what is wrong', periodMs: 'WatchdogSec= in milliseconds' },
  },
  'worker.starting': { level: 'info', doc: 'A worker was forked.', fields: { cause: 'boot, crash, reload, scale, or why the one before is recycled' } },
  'worker.ready': { level: 'info', doc: 'A worker serves.', fields: { bootMs: 'milliseconds since the fork' } },
  'worker.draining': { level: 'info', doc: 'A worker gets no new connections and finishes its calls.', fields: { cause: 'the first reason' } },
  'worker.drained': {
    level: 'info', doc: 'A worker has finished.',
    fields: { ms: 'how long the drain took', finished: 'calls that ended by themselves', cut: 'calls that had to be cut' },
  },
  'worker.silent': { level: 'warn', doc: 'A worker sends no heartbeat; it gets no new connections.', fields: { ms: 'since the last sign of it' } },
  'worker.killed': { level: 'warn', doc: 'SIGKILL was sent to a worker.', fields: { cause: 'which deadline it missed' } },
  'worker.failed': { level: 'error', doc: 'A worker could not start; it says why.', fields: { code: 'see docs/errors.md', error: 'what happened', hint: 'what to do' } },
  'worker.gone': {
    level: 'info', doc: 'A worker has exited; a warning when nobody asked it to.',
    fields: { cause: 'the first reason', exitCode: 'or null', signal: 'or null', uptimeMs: 'since the fork' },
  },
  'worker.waiting': { level: 'warn', doc: 'The replacement of a crashed worker is put off.', fields: { ms: 'until the next try', crashes: 'in a row' } },
  'worker.console': { level: 'info', doc: 'A line that user code printed.', fields: { stream: 'stdout or stderr', line: 'the text' } },
  'worker.orphaned': { level: 'error', doc: 'The primary is gone; the worker drains and exits.', fields: {} },
  'worker.fault': {
    level: 'error', doc: 'An exception or rejection that nothing caught; the guilty call, if known, ended with INTERNAL and the worker will be replaced.',
    fields: { error: 'stack', method: 'of the guilty call, or null', kind: 'uncaughtException or unhandledRejection' },
  },
  'call.fault': {
    level: 'error', doc: 'A handler failed in a way that is not an answer: it threw, rejected, destroyed its stream or sent an unfit status.',
    fields: { ...CALL, error: 'stack or explanation', code: 'status name that the client got' },
  },
  'call.ended': {
    level: 'info', doc: 'A call has ended; with log.access. Calls of methods that no service has are not among them.',
    fields: {
      ...CALL, code: 'status name of its end, as OK or NOT_FOUND; CANCELLED also when the client has gone', ms: 'what it took',
      received: 'messages from the client', sent: 'messages to the client',
      bytesReceived: 'of those messages as they travel: compressed or not, and with the five bytes before each', bytesSent: 'the same to the client',
    },
  },
  'call.faults-omitted': {
    level: 'error', doc: 'More calls of a method failed than ten in a second, and the others are only counted.',
    fields: { method: CALL.method, count: 'faults that are not in the log' },
  },
  'call.cut': { level: 'warn', doc: 'A call was ended with UNAVAILABLE because its worker had to go.', fields: { ...CALL, ageMs: 'age of the call' } },
  'log.dropped': { level: 'warn', doc: 'Log lines were lost because the log could not be written.', fields: { lines: 'how many', error: 'system error code' } },
} as const satisfies Record<string, EventSpec>;

export type EventName = keyof typeof EVENTS;
type Fields<Name extends EventName> = { readonly [Field in keyof (typeof EVENTS)[Name]['fields']]: unknown };

/** Says that something happened. A level given here replaces the table's. */
export type Emit = <Name extends EventName>(name: Name, fields: Fields<Name>, level?: EventSpec['level']) => void;
