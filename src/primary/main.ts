/**
 * Runs in the primary. Puts it together: everything is opened in an order in which the likeliest refusals come
 * first, and closed in reverse.
 */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { readCertificates } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { availableParallelism, resolveWorkers } from '../config/parallelism.js';
import { currentEnvironment, runtimeBase, runtimeFiles } from '../control/runtime-dir.js';
import type { ToWorker } from '../ipc/messages.js';
import { describeCallShares, shareCallLimit } from '../shared/call-shares.js';
import { systemClock } from '../shared/clock.js';
import { createLogger, resolveLogFormat } from '../shared/logger.js';
import { VERSION } from '../shared/version.js';
import { serveControl } from './control-server.js';
import { Dispatcher } from './dispatcher.js';
import { forkWorker } from './fork.js';
import { listen } from './listener.js';
import { autoMaxConnections } from './open-file-limit.js';
import { writePidfile } from './pidfile.js';
import { RefusalLog } from './refusal-log.js';
import { claimRuntimeFolder } from './runtime-folder.js';
import { handleSignals } from './signals.js';
import { describeStatus } from './status.js';
import { SteadyClock } from './steady-clock.js';
import { Supervisor, type Outcome } from './supervisor.js';
import { welcome } from './welcome.js';

export interface PrimaryOptions {
  readonly config: Config;
  readonly configFile: string | null;
  readonly warnings: readonly string[];
}

const LOG_FD = 1;

/** Runs the daemon until it has stopped. @throws DaemonError when it cannot start; nothing is left then. */
export async function runPrimary({ config, configFile, warnings }: PrimaryOptions): Promise<Outcome> {
  const closers: (() => void)[] = [];
  try {
    return await run(config, configFile, warnings, (close) => closers.push(close));
  } finally {
    for (const close of closers.reverse()) close();
  }
}

async function run(
  config: Config,
  configFile: string | null,
  warnings: readonly string[],
  onClose: (close: () => void) => void,
): Promise<Outcome> {
  const tls = readCertificates(config, new Date());
  const workers = resolveWorkers(config);
  const isTerminal = process.stdout.isTTY;
  const logFormat = resolveLogFormat(config.log.format, isTerminal);
  const { emit } = createLogger({ level: config.log.level, format: logFormat, fd: LOG_FD, identity: { role: 'primary' } });
  const clock = new SteadyClock(systemClock);
  onClose(() => clock.stop());
  const startedAt = clock.monotonic();
  process.title = `grpcserverd: primary (${config.name})`;

  const files = runtimeFiles(runtimeBase(config.runtimeDir, currentEnvironment()), config.name);
  const folder = await claimRuntimeFolder(files, config.name);
  onClose(() => folder.release());

  const refusals = new RefusalLog(emit, clock);
  const dispatcher = new Dispatcher({
    clock,
    maxConnections: config.maxConnections === 'auto' ? autoMaxConnections() : config.maxConnections,
    queueTimeout: config.startTimeout,
    onRefused: (reason) => refusals.add(reason),
  });
  const listener = await listen(config.host, config.port, {
    onSocket: (socket) => dispatcher.dispatch(socket),
    onError: () => refusals.add('out-of-descriptors'),
  });
  onClose(() => listener.close());

  if (config.pidfile !== null) onClose(writePidfile(config.pidfile));

  emit('daemon.starting', { version: VERSION, node: process.version, config: configFile, name: config.name });
  for (const warning of [...warnings, ...(tls?.warnings ?? [])]) emit('config.warning', { warning });
  emit('daemon.listening', { address: listener.address, port: listener.port });

  const callLimit = config.maximumConcurrentRpcs === null ? null : describeCallShares(config.maximumConcurrentRpcs, workers);
  const ticketKeys = randomBytes(48).toString('base64');
  const startMessage = (slot: number, generation: number): ToWorker => ({
    type: 'start',
    slot,
    generation,
    config,
    logFormat,
    callLimit: config.maximumConcurrentRpcs === null ? null : shareCallLimit(config.maximumConcurrentRpcs, workers, slot),
    tls: tls === null ? null : { pem: tls.pem },
    ticketKeys,
  });

  const stopped = { at: startedAt };
  const supervisor: Supervisor = new Supervisor({
    clock,
    emit,
    random: Math.random,
    fork: () => forkWorker({ nodeArguments: config.nodeArguments, logFd: LOG_FD }),
    dispatcher,
    workers,
    bootConcurrency: config.bootConcurrency === 'auto' ? availableParallelism() : config.bootConcurrency,
    startTimeout: config.startTimeout,
    hangTimeout: config.hangTimeout,
    gracefulTimeout: Math.max(config.gracefulTimeout, config.streamGracefulTimeout),
    startMessage,
    onReady() {
      const services = supervisor.workers.find(({ state }) => state === 'ready')?.services ?? [];
      emit('daemon.ready', {
        address: listener.address,
        port: listener.port,
        tls: tls !== null,
        workers: supervisor.workers.filter(({ state }) => state === 'ready').length,
        services: services.map(({ name }) => name),
        bootMs: Math.round(clock.monotonic() - startedAt),
        callLimit,
      });
      if (logFormat === 'pretty' && isTerminal) process.stdout.write(welcome({ config, configFile, listener, tls: tls !== null, services, workers: supervisor.workers, callLimit }));
    },
    onStopping() {
      stopped.at = clock.monotonic();
      listener.close();
      dispatcher.close();
    },
  });
  const control = await serveControl(files.socket, {
    status: () =>
      describeStatus(supervisor, dispatcher, {
        name: config.name,
        version: VERSION,
        configFile,
        address: listener.address,
        port: listener.port,
        tls: tls !== null,
        startedAt,
        now: clock.monotonic(),
      }),
    stop: (quick) => supervisor.stop('stop command', quick),
  });
  onClose(() => control.close());
  folder.announce({
    pid: process.pid,
    name: config.name,
    version: VERSION,
    configFile: configFile === null ? null : realpathSync(configFile),
  });
  onClose(handleSignals(supervisor, clock));

  supervisor.start();
  const outcome = await supervisor.finished;
  refusals.flush();
  if (outcome.error !== null) {
    const { code, message, hint } = outcome.error;
    emit('daemon.failed', { code, error: message, hint });
  }
  emit('daemon.stopped', { ms: Math.round(clock.monotonic() - stopped.at), cut: outcome.cut });
  return outcome;
}
