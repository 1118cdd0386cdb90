/**
 * A router, from its first line to its last. The primary forks it, hands client connections over and says which
 * workers there are; here is a straight line: wait for the order, say ready, route, leave, exit.
 */
import cluster from 'node:cluster';
import type { Socket } from 'node:net';
import { Intake, type IntakeOptions } from '../front/intake.js';
import { LimitLog } from '../front/limit-log.js';
import { tuneMemory } from '../front/tune-memory.js';
import { WORKER_LOG_FD } from '../ipc/log-fd.js';
import type { FromRouter, ToRouter } from '../ipc/router-messages.js';
import { systemClock } from '../shared/clock.js';
import { DaemonError } from '../shared/errors.js';
import { EXIT } from '../shared/exit-codes.js';
import { createLogger, type DaemonLogger } from '../shared/logger.js';
import { Router } from './router.js';

/** What the clients of a router may take to leave when its primary is gone, in milliseconds. */
const ORPHAN_TIMEOUT = 10_000;
/** In milliseconds, as of workers. */
const HEARTBEAT_INTERVAL = 2000;

type StartOrder = Extract<ToRouter, { type: 'start' }>;

interface Running {
  readonly router: Router;
  readonly intake: Intake;
  readonly logger: DaemonLogger;
  readonly limitLog: LimitLog;
  /** Of sessions that may be resumed in any router. */
  readonly ticketKeys: Buffer;
}

let running: Running | null = null;
let leaving: Promise<void> | null = null;

tuneMemory();

// A node:cluster worker otherwise exits at once when the primary is gone, and cuts its calls.
if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
// A terminal sends these to every process of the group; what they mean is for the primary to decide.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('message', (message: ToRouter, socket?: Socket) => receive(message, socket));
process.on('disconnect', () => leave(ORPHAN_TIMEOUT));
send({ type: 'awake' });

function send(message: FromRouter): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

function receive(message: ToRouter, socket: Socket | undefined): void {
  if (message.type === 'start') begin(message);
  else if (message.type === 'drain') leave(message.quick);
  else if (running !== null) obey(running, message, socket);
}

function obey({ router, intake, logger, ticketKeys }: Running, message: Exclude<ToRouter, { type: 'start' | 'drain' }>, socket: Socket | undefined): void {
  switch (message.type) {
    case 'take-socket':
      intake.take(message.id, socket);
      break;
    case 'confirm-socket':
      intake.confirm(message.id);
      break;
    case 'admit-worker':
      router.admitWorker(message);
      break;
    case 'withdraw-worker':
      router.withdrawWorker(message.id);
      break;
    case 'worker-gone':
      router.workerGone(message.id);
      break;
    case 'set-limits':
      router.setLimits(message.limits);
      break;
    case 'set-certificates':
      intake.setCertificates(message.tls);
      break;
    case 'set-security':
      intake.setTls(tlsOf(message, ticketKeys));
      router.sendAway(message.grace);
      break;
    case 'lend-units':
      router.units.lend(message.count, message.isAlone);
      break;
    case 'reclaim-units':
      router.units.reclaim(message.count, message.when);
      break;
    case 'set-log-level':
      logger.log.level = message.level;
      break;
  }
}

function begin(message: StartOrder): void {
  try {
    start(message);
  } catch (error) {
    void fail(error);
  }
}

function start({ index, name, limits, clientAuthentication, tls, ticketKeys: keys, logLevel, logFormat }: StartOrder): void {
  process.title = `grpcserverd: router ${index} (${name})`;
  const logger = createLogger({ level: logLevel, format: logFormat, fd: WORKER_LOG_FD, identity: { role: 'router', index } });
  const { emit } = logger;
  const limitLog = new LimitLog({ clock: systemClock, emit, tell: (limit, count) => send({ type: 'limit-reached', limit, count }) });
  const ticketKeys = Buffer.from(keys, 'base64');
  const router = new Router({
    limits,
    clock: systemClock,
    random: Math.random,
    units: {
      ask: (count) => send({ type: 'units-wanted', count }),
      giveBack: (count, when) => send({ type: 'units-returned', count, when }),
    },
    onFault: (peer, { code, message }) => emit('connection.broken', { peer, code, error: message }),
    onLimit: (limit, peer) => limitLog.add(limit, peer),
    onWorkerLeft: (id) => send({ type: 'worker-left', id }),
  });
  const intake = new Intake({
    tls: tlsOf({ tls, clientAuthentication }, ticketKeys),
    accept: (socket) => router.accept(socket),
    onTaken: (id) => send({ type: 'socket-taken', id }),
    onLost: (id) => send({ type: 'socket-lost', id }),
    onClosed: (ids) => send({ type: 'sockets-closed', ids }),
    onTlsFailed: (peer, error) => emit('connection.tls-failed', { peer, error }),
    onLimit: (limit, peer) => limitLog.add(limit, peer),
  });
  running = { router, intake, logger, limitLog, ticketKeys };
  const beat = (): void => send({ type: 'heartbeat', ...router.statistics() });
  beat();
  setInterval(beat, HEARTBEAT_INTERVAL);
  send({ type: 'ready' });
}

function tlsOf({ tls, clientAuthentication }: Pick<StartOrder, 'tls' | 'clientAuthentication'>, ticketKeys: Buffer): IntakeOptions['tls'] {
  return tls === null ? null : { material: tls, clientAuthentication, ticketKeys };
}

/** Tells the primary why this router cannot start, and exits. */
async function fail(error: unknown): Promise<void> {
  const reason = DaemonError.from(error);
  await delivered({ type: 'failed', error: reason.toData() });
  process.exit(EXIT.failed);
}

function delivered(message: FromRouter): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send?.(message, undefined, undefined, () => resolve()) === undefined) resolve();
  });
}

/** Lets the clients go, and exits when the last one is gone. @param quick all within that many milliseconds */
function leave(quick: number | null): void {
  if (running === null) process.exit(EXIT.ok);
  const { router, intake, limitLog } = running;
  router.leave();
  if (quick !== null) setTimeout(() => intake.destroyAll(), quick);
  leaving ??= allGone(intake).then(async () => {
    router.close();
    limitLog.flush();
    await delivered({ type: 'drained' });
    process.exit(EXIT.ok);
  });
}

function allGone(intake: Intake): Promise<void> {
  return new Promise((resolve) => {
    intake.onEmpty = resolve;
    if (intake.connections === 0) resolve();
  });
}
