/**
 * A worker, from its first line to its last. It is started by src/primary/fork.ts, whose supervisor knows its state;
 * here is a straight line: wait for the order, build the server, say ready, serve, drain, exit.
 */
import cluster from 'node:cluster';
import type { Socket } from 'node:net';
import { deepFreeze } from '../config/plain-data.js';
import { tuneMemory } from '../front/tune-memory.js';
import { WORKER_LOG_FD } from '../ipc/log-fd.js';
import { NO_CALLS } from '../ipc/call-figures.js';
import type { FromWorker, InspectAction, ToWorker } from '../ipc/messages.js';
import { deferred } from '../shared/deferred.js';
import { DaemonError } from '../shared/errors.js';
import { EXIT } from '../shared/exit-codes.js';
import { createLogger, type DaemonLogger } from '../shared/logger.js';
import { loadedFiles } from './loaded-files.js';
import type { RunningWorker } from './running-worker.js';

/** What a worker may take to leave when its primary is gone, and what of that its calls get, in milliseconds. */
const ORPHAN_TIMEOUT = 10_000;
const ORPHAN_CALLS = 9000;
/** How often it is looked whether more files were loaded, in milliseconds. */
const FILES_INTERVAL = 2000;

type StartOrder = Extract<ToWorker, { type: 'start' }>;

const order = deferred<StartOrder>();
let logger: DaemonLogger | null = null;
let running: RunningWorker | null = null;
let leaving: Promise<void> | null = null;
/** Newer than what the order to start holds. */
const renewed: { tls: StartOrder['tls']; signature: StartOrder['signature'] } = { tls: null, signature: null };

tuneMemory();
// A node:cluster worker otherwise exits at once when the primary is gone, and cuts its calls.
if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
// A terminal sends these to every process of the group; what they mean is for the primary to decide.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('SIGQUIT', () => undefined);
process.on('SIGTERM', () => send({ type: 'drain-wanted', cause: 'SIGTERM' }));
// The pipes to the primary; without it nobody reads what is printed.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.on('message', (message: ToWorker, socket?: Socket) => receive(message, socket));
process.on('disconnect', () => orphaned());
// Also when user code ends the process.
process.on('exit', tellCalls);
send({ type: 'awake' });

await order.promise.then(serve).catch(fail);

function send(message: FromWorker): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function receive(message: ToWorker, socket: Socket | undefined): void {
  switch (message.type) {
    case 'start':
      order.resolve(message);
      break;
    case 'take-socket':
      running?.intake.take(message.id, socket);
      break;
    case 'confirm-socket':
      running?.intake.confirm(message.id);
      break;
    case 'send-clients-away':
      running?.sendClientsAway();
      break;
    case 'set-log-level':
      if (logger !== null) logger.log.level = message.level;
      break;
    case 'set-call-limit':
      running?.setCallLimit(message.limit);
      break;
    case 'set-certificates':
      renewed.tls = message.tls;
      running?.intake.setCertificates(message.tls);
      break;
    case 'set-signature':
      renewed.signature = message.data;
      running?.setSignature(message.data);
      break;
    case 'tell-calls':
      send({ type: 'calls-told', id: message.id, ...(running?.takeCalls() ?? NO_CALLS) });
      break;
    case 'set-load-report':
      running?.setLoadReport(message.report);
      break;
    case 'announce-stop':
      running?.announceStop();
      break;
    case 'inspect':
      void look(message.id, message.action);
      break;
    case 'drain':
      leave(message.cause, message.delay, message.quick);
      break;
  }
}

async function serve({ slot, generation, config, logFormat, linkPath, callLimit, tls, ticketKeys, signature }: StartOrder): Promise<void> {
  process.title = `grpcserverd: worker ${slot} gen ${generation} (${config.name})`;
  logger = createLogger({
    level: config.log.level,
    format: logFormat,
    fd: WORKER_LOG_FD,
    identity: { role: 'worker', slot, generation },
  });
  const { startWorker } = await import('./running-worker.js');
  loadedFiles.follow(config.autoreload);
  // Node has loaded these by itself.
  for (const { module, from } of config.preload) if (from === undefined) loadedFiles.note(module);
  // From the beginning: what a hook loads that never settles is watched too.
  setInterval(reportFiles, FILES_INTERVAL).unref();
  running = await startWorker({ slot, generation, config: deepFreeze(config), linkPath, callLimit, tls, ticketKeys, signature, logger, send });
  // They may have come while it was built.
  if (renewed.tls !== null) running.intake.setCertificates(renewed.tls);
  if (renewed.signature !== null) running.setSignature(renewed.signature);
  // Before it is ready, so that nobody who waits for that can change a file that is not known yet.
  reportFiles();
  // So that every method has its row from the beginning.
  tellCalls();
  send({ type: 'ready', services: running.services });
}

/** Tells what nobody has asked for, so that it is not lost with this process. */
function tellCalls(): void {
  if (running !== null) send({ type: 'calls-told', id: null, ...running.takeCalls() });
}

function reportFiles(): void {
  const files = loadedFiles.take();
  if (files.length > 0) send({ type: 'files-loaded', files });
}

/** Answers `inspect`. */
async function look(id: number, action: InspectAction): Promise<void> {
  try {
    const { inspectSelf } = await import('./inspect-self.js');
    send({ type: 'inspected', id, result: inspectSelf(action), error: null });
  } catch (error) {
    send({ type: 'inspected', id, result: '', error: DaemonError.from(error).toData() });
  }
}

/** Tells the primary why this worker cannot start, and exits. */
async function fail(error: unknown): Promise<void> {
  reportFiles();
  const reason = DaemonError.from(error);
  const permanent = reason.exitCode === EXIT.config;
  await new Promise<void>((resolve) => {
    const message: FromWorker = { type: 'failed', error: reason.toData(), permanent };
    if (process.send?.(message, undefined, undefined, () => resolve()) === undefined) resolve();
  });
  process.exit(permanent ? EXIT.config : EXIT.failed);
}

function leave(cause: string, delay: number, quick: number | null): void {
  if (running === null) process.exit(EXIT.ok);
  const worker = running;
  leaving ??= worker.leave(cause, delay).then(async (report) => {
    tellCalls();
    await new Promise<void>((resolve) => {
      const message: FromWorker = { type: 'drained', ...report };
      if (!process.connected) resolve();
      else process.send?.(message, undefined, undefined, () => resolve());
    });
    process.exit(EXIT.ok);
  });
  if (quick !== null) worker.hurry(quick);
}

/** The primary is gone: nobody will replace, stop or kill this worker, so it sees itself out. */
function orphaned(): void {
  if (running === null) process.exit(EXIT.failed);
  running.noteOrphaned();
  leave('orphaned', 0, ORPHAN_CALLS);
  setTimeout(() => process.exit(EXIT.failed), ORPHAN_TIMEOUT).unref();
}
