/**
 * Runs in the primary. Puts it together: everything is opened in an order in which the likeliest refusals come
 * first, and closed in reverse.
 */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { readCertificates } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { preloadArguments } from '../config/preload.js';
import { currentEnvironment, runtimeBase, runtimeFiles } from '../control/runtime-dir.js';
import { systemClock } from '../shared/clock.js';
import { createLogger, resolveLogFormat } from '../shared/logger.js';
import { VERSION } from '../shared/version.js';
import { moveTo } from './addresses.js';
import { Admin } from './admin/admin.js';
import { History } from './admin/history.js';
import { announceReady } from './announce-ready.js';
import { CertificateKeeper } from './certificate-keeper.js';
import { serveControl } from './control-server.js';
import { Departure } from './departure.js';
import { Dispatcher } from './dispatcher.js';
import { forkWorker } from './fork.js';
import { Generation } from './generation.js';
import { Inspections } from './inspections.js';
import { autoMaxConnections } from './open-file-limit.js';
import type { Outcome } from './phases.js';
import { writePidfile } from './pidfile.js';
import { Ports } from './ports.js';
import { RefusalLog } from './refusal-log.js';
import { Reloader, type Prepared } from './reloader.js';
import { carryOver } from './restart-required.js';
import { claimRuntimeFolder } from './runtime-folder.js';
import { Signals } from './signals.js';
import { describeStatus } from './status.js';
import { SteadyClock } from './steady-clock.js';
import { Supervisor } from './supervisor.js';
import { Upkeep } from './upkeep.js';
import { UserCode } from './user-code.js';
import { Watchers } from './watchers.js';

/** The settings as a start or a reload finds them. */
export interface Settings {
  readonly config: Config;
  /** Absolute path, or null. */
  readonly configFile: string | null;
  /** What is valid and probably not meant. */
  readonly warnings: readonly string[];
}

const LOG_FD = 1;

/**
 * Runs the daemon until it has stopped.
 * @param load reads the settings anew, from the same file, environment and flags
 * @throws DaemonError when it cannot start; nothing is left then
 */
export async function runPrimary(settings: Settings, load: () => Promise<Settings>): Promise<Outcome> {
  const closers: (() => void)[] = [];
  try {
    return await run(settings, load, (close) => closers.push(close));
  } finally {
    for (const close of closers.reverse()) close();
  }
}

async function run(
  { config, configFile, warnings }: Settings,
  load: () => Promise<Settings>,
  onClose: (close: () => void) => void,
): Promise<Outcome> {
  const tls = readCertificates(config, new Date());
  preloadArguments(config.preload);
  const isTerminal = process.stdout.isTTY;
  const logFormat = resolveLogFormat(config.log.format, isTerminal);
  const logger = createLogger({ level: config.log.level, format: logFormat, fd: LOG_FD, identity: { role: 'primary' } });
  const { log } = logger;
  const clock = new SteadyClock(systemClock);
  onClose(() => clock.stop());
  const watchers = new Watchers(clock);
  const code = new UserCode({
    clock,
    emit: logger.emit,
    config,
    configFile,
    terminal: isTerminal && logFormat === 'pretty' ? (text) => process.stdout.write(text) : null,
    reload: (cause) => void reloader.request(cause),
    onChange: () => watchers.notify(),
  });
  onClose(() => code.close());
  const history = new History();
  const emit = history.noting(code.noting(logger.emit));
  const startedAt = clock.monotonic();
  process.title = `grpcserverd: primary (${config.name})`;

  // Before anybody can know our pid.
  const signals = new Signals(clock);
  onClose(() => signals.close());
  const files = runtimeFiles(runtimeBase(config.runtimeDir, currentEnvironment()), config.name);
  const folder = await claimRuntimeFolder(files, config.name);
  onClose(() => folder.release());

  const refusals = new RefusalLog(emit, clock);
  const dispatcher = new Dispatcher({
    clock,
    maxConnections: maxConnectionsOf(config),
    maxHeld: autoMaxConnections(),
    queueTimeout: config.startTimeout,
    onRefused: (reason) => refusals.add(reason),
  });
  const ports = await Ports.open(config, {
    onSocket: (socket) => dispatcher.dispatch(socket),
    onError: () => refusals.add('out-of-descriptors'),
  });
  onClose(() => ports.close());
  const admin = new Admin({ clock, emit, history, dispatcher, refusals, fleet: () => ({ supervisor, reloader, isLeaving: departure.isLeaving }) });
  onClose(() => admin.close());
  await admin.open(config.admin);
  if (config.pidfile !== null) onClose(writePidfile(config.pidfile));

  const warn = (sentences: readonly string[]): void => {
    for (const warning of sentences) emit('config.warning', { warning });
  };
  emit('daemon.starting', { version: VERSION, node: process.version, config: configFile, name: config.name });
  warn([...warnings, ...(tls?.warnings ?? [])]);
  emit('daemon.listening', { address: ports.address, port: ports.port });
  admin.announce();

  const ticketKeys = randomBytes(48).toString('base64');
  const generation = new Generation({ config, tls, logFormat, ticketKeys });
  let stoppedAt = startedAt;
  const supervisor: Supervisor = new Supervisor({
    clock,
    emit,
    random: Math.random,
    fork: ({ config: { nodeArguments, preload } }, slot) => forkWorker({ nodeArguments: [...nodeArguments, ...preloadArguments(preload)], slot, logFd: LOG_FD }),
    dispatcher,
    generation,
    onReady() {
      const bootMs = clock.monotonic() - startedAt;
      announceReady({ emit, config, configFile, ports, tls: tls !== null, supervisor, bootMs, isWatched: logFormat === 'pretty' && isTerminal });
    },
    onStopping() {
      code.close();
      certificates.close();
      stoppedAt = clock.monotonic();
      ports.close();
      dispatcher.close();
    },
    onChange() {
      watchers.notify();
      inspections.noteChange();
      departure.noteChange();
    },
    onMessage(handle, message) {
      if (message.type === 'heartbeat') upkeep.noteHeartbeat(handle, message);
      else if (message.type === 'recycle-wanted') upkeep.noteWish(handle, message.cause);
      else if (message.type === 'inspected') inspections.answered(handle, message);
      else if (message.type === 'calls-told') admin.told(handle, message);
      else if (message.type === 'files-loaded') code.note(handle.generation, message.files);
    },
    isCodeProven: (number) => code.isProven(number),
  });
  const upkeep = new Upkeep({ clock, random: Math.random, supervisor });
  const departure = new Departure({ clock, emit, supervisor, onChange: () => watchers.notify() });
  const inspections = new Inspections({ clock, dispatcher, workers: () => supervisor.workers });

  const certificates = new CertificateKeeper({
    clock,
    emit,
    generations: () => [supervisor.plan.goal, ...supervisor.workers.filter(({ state }) => state !== 'draining')].map(({ generation: number }) => number),
    generationOf: (number) => supervisor.plan.generationOf(number),
    workers: () => supervisor.workers,
    onChange: () => watchers.notify(),
  });
  onClose(() => certificates.close());

  async function prepare(sameConfig: boolean): Promise<Prepared> {
    const before = supervisor.plan.generation.config;
    await code.begin();
    const fresh = sameConfig ? null : await load();
    const carried = fresh === null ? { config: before, restartRequired: [] } : carryOver(before, fresh.config);
    const next = carried.config;
    await code.consider(next);
    preloadArguments(next.preload);
    const material = certificates.read(next);
    const addresses = await moveTo(next, { ports, admin, emit });
    warn([...(fresh?.warnings ?? []), ...(material?.warnings ?? [])]);
    return {
      generation: new Generation({ config: next, tls: material, logFormat, ticketKeys }),
      restartRequired: carried.restartRequired,
      commit() {
        addresses.commit();
        dispatcher.setMaxConnections(maxConnectionsOf(next));
        log.level = next.log.level;
        code.answered(supervisor.plan.goal.generation, next);
      },
      discard: () => addresses.discard(),
    };
  }

  const reloader = new Reloader({ clock, emit, supervisor, prepare, onEnded: (report) => code.ended(report, supervisor.workers.map(({ generation: number }) => number)) });
  const status = () =>
    describeStatus(
      { supervisor, dispatcher, reloader },
      {
        name: config.name,
        version: VERSION,
        configFile,
        address: ports.address,
        port: ports.port,
        tls: supervisor.plan.generation.tls,
        certificateProblem: certificates.problemOf(supervisor.plan.generation.config),
        startedAt,
        now: clock.monotonic(),
        date: new Date(clock.now()),
        isLeaving: departure.isLeaving,
        changedCode: code.knownChanges(supervisor.plan.goal.generation),
      },
    );
  const scaleTo = (workers: number): void => supervisor.scale(supervisor.plan.generation.clampScale(workers), 'scale');
  const control = await serveControl(files.socket, {
    status,
    look: () => code.look(supervisor.plan.goal.generation),
    watchers,
    reload: (sameConfig) => reloader.request(sameConfig ? 'reload command (same config)' : 'reload command', sameConfig),
    workers: () => supervisor.plan.target,
    scale(workers) {
      if (workers === 0) supervisor.scaleByConfig();
      else scaleTo(workers);
      return supervisor.plan.target;
    },
    setLogLevel(level) {
      log.level = level;
      supervisor.plan.generation.logLevel = level;
      for (const worker of supervisor.workers) worker.send({ type: 'set-log-level', level });
    },
    inspect: (order) => inspections.run(order),
    stop: (quick) => departure.stop('stop command', quick),
  });
  onClose(() => control.close());
  folder.announce({
    pid: process.pid,
    name: config.name,
    version: VERSION,
    configFile: configFile === null ? null : realpathSync(configFile),
  });
  code.start();
  supervisor.start();
  certificates.start();
  signals.obey({
    stop: (cause, quick) => departure.stop(cause, quick),
    reload: (cause, sameConfig) => void reloader.request(cause, sameConfig),
    scaleBy: (difference) => scaleTo(supervisor.plan.target + difference),
  });
  const outcome = await supervisor.finished;
  // One that was reading the config when the stop came has nothing left to replace, and says so.
  await reloader.idle();
  refusals.flush();
  if (outcome.error !== null) {
    const { code, message, hint } = outcome.error;
    emit('daemon.failed', { code, error: message, hint });
  }
  emit('daemon.stopped', { ms: Math.round(clock.monotonic() - stoppedAt), cut: outcome.cut });
  return outcome;
}

function maxConnectionsOf({ maxConnections }: Config): number {
  return maxConnections === 'auto' ? autoMaxConnections() : maxConnections;
}
