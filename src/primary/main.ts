/**
 * Runs in the primary. Puts it together: everything is opened in an order in which the likeliest refusals come
 * first, and closed in reverse.
 */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Config } from '../config/options.js';
import type { ReloadReport } from '../control/definition.js';
import { preloadArguments } from '../config/preload.js';
import { currentEnvironment, runtimeBase, runtimeFiles } from '../control/runtime-dir.js';
import { systemClock } from '../shared/clock.js';
import { createLogger, resolveLogFormat } from '../shared/logger.js';
import { VERSION } from '../shared/version.js';
import { Admin } from './admin/admin.js';
import { Marks } from './admin/dashboard/marks.js';
import { History } from './admin/history.js';
import { announceReady } from './announce-ready.js';
import { serveControl } from './control-server.js';
import { Departure } from './departure.js';
import { Dispatcher } from './dispatcher.js';
import { forkChild } from './fork.js';
import { Generation } from './generation.js';
import { Inspections } from './inspections.js';
import { KeptFiles } from './kept-files.js';
import { autoMaxConnections, connectionLimits } from './open-file-limit.js';
import type { LimitTold } from './limit-book.js';
import { endAnyway } from './lingering.js';
import { reportLoad } from './load-reporter.js';
import type { Outcome } from './phases.js';
import { writePidfile } from './pidfile.js';
import { Ports } from './ports.js';
import { RefusalLog } from './refusal-log.js';
import { prepareReload, type PreparationParts } from './prepare-reload.js';
import { Reloader } from './reloader.js';
import { openRouters } from './routers/open-routers.js';
import { claimRuntimeFolder } from './runtime-folder.js';
import { Signals } from './signals.js';
import { describeStatus } from './status.js';
import { QUICK_STOP } from './staff.js';
import { SteadyClock } from './steady-clock.js';
import { Supervisor } from './supervisor.js';
import { reportListening } from './systemd/report-listening.js';
import { openService, type ServiceManager } from './systemd/service.js';
import { Upkeep } from './upkeep.js';
import type { Predecessor } from './upgrade/predecessor.js';
import { Succession } from './upgrade/succession.js';
import { Upgrader } from './upgrade/upgrader.js';
import { whyBusy } from './upgrade/why-busy.js';
import { UserCode } from './user-code.js';
import { Watchers } from './watchers.js';
import { ConnectionDoor } from './worker-door.js';
import { ZombieWatch } from './zombie-watch.js';

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
 * @param manager what was said by whoever started this process
 * @param predecessor the daemon that this one is to replace; null when there is none
 * @throws DaemonError when it cannot start; nothing is left then
 */
export async function runPrimary(settings: Settings, load: () => Promise<Settings>, manager: ServiceManager, predecessor: Predecessor | null): Promise<Outcome> {
  const closers: (() => void)[] = [];
  try {
    return await run(settings, load, manager, predecessor, (close) => closers.push(close));
  } finally {
    for (const close of closers.reverse()) close();
  }
}

async function run(
  { config, configFile, warnings }: Settings,
  load: () => Promise<Settings>,
  manager: ServiceManager,
  predecessor: Predecessor | null,
  onClose: (close: () => void) => void,
): Promise<Outcome> {
  const read = KeptFiles.readOnce(config);
  const { tls } = read;
  preloadArguments(config.preload);
  const isTerminal = process.stdout.isTTY;
  const logFormat = resolveLogFormat(config.log.format, isTerminal);
  const logger = createLogger({ level: config.log.level, format: logFormat, fd: LOG_FD, identity: { role: 'primary' } });
  const { log } = logger;
  const clock = new SteadyClock(systemClock);
  onClose(() => clock.stop());
  const terminal = isTerminal && logFormat === 'pretty' ? (text: string): void => void process.stdout.write(text) : null;
  const watchers = new Watchers(clock);
  const code = new UserCode({
    clock,
    emit: logger.emit,
    config,
    configFile,
    terminal,
    reload: (cause) => void reloader.request(cause),
    onChange: () => watchers.notify(),
  });
  onClose(() => code.close());
  const history = new History();
  const marks = new Marks(clock);
  const emit = marks.noting(history.noting(code.noting(logger.emit)));
  const startedAt = clock.monotonic();
  process.title = `grpcserverd: primary (${config.name})`;

  // Before anybody can know our pid.
  const signals = new Signals(clock);
  onClose(() => signals.close());
  const files = runtimeFiles(runtimeBase(config.runtimeDir, currentEnvironment()), config.name);
  const folder = await claimRuntimeFolder(files, config.name, predecessor?.in(files.folder));
  onClose(() => folder.release());

  const zombies = ZombieWatch.open(process.pid, { clock, emit });
  onClose(() => zombies?.close());
  const refusals = new RefusalLog(emit, clock);
  const dispatcher = new Dispatcher({
    clock,
    ...connectionLimits(config),
    maxHeld: autoMaxConnections(),
    queueTimeout: config.startTimeout,
    onRefused: (reason) => refusals.add(reason),
  });
  const onAccept = { onSocket: (socket: Socket): void => dispatcher.dispatch(socket), onError: (): void => refusals.add('out-of-descriptors') };
  const passed = predecessor?.passed('port') ?? manager.sockets;
  const ports = await (predecessor === null ? Ports.open(config, onAccept, passed) : Ports.inherit('port', config, onAccept, predecessor.sockets));
  onClose(() => ports.close());
  const fleet = () => ({ supervisor, reloader, isLeaving: departure.isLeaving, door, routers, reload: (cause: string) => void reloader.request(cause), status, look, workers, scale });
  const admin = new Admin({ clock, emit, history, marks, passed: predecessor?.passed('admin') ?? manager.adminSockets, dispatcher, refusals, fleet });
  onClose(() => admin.close());
  await admin.open(config, predecessor?.sockets);
  const claimPidfile = (): void => {
    if (config.pidfile !== null) onClose(writePidfile(config.pidfile));
  };
  if (predecessor === null) claimPidfile();

  const warn = (sentences: readonly string[]): void => {
    for (const warning of sentences) emit('config.warning', { warning });
  };
  emit('daemon.starting', { version: VERSION, node: process.version, config: configFile, name: config.name });
  warn([...warnings, ...manager.warnings, ...(tls?.warnings ?? [])]);
  reportListening(emit, ports.listening, passed, config);
  admin.announce();

  const ticketKeys = randomBytes(48).toString('base64');
  const generation = new Generation({ config, ...read, logFormat, ticketKeys });
  const onChange = (): void => watchers.notify();
  const onLimit = (told: LimitTold): void => admin.limitReached(told);
  const routers = openRouters({ clock, emit, dispatcher, config, tls, ticketKeys, logFormat, onChange, onLimit, folder: files.folder, logFd: LOG_FD });
  const door = routers?.door ?? new ConnectionDoor(dispatcher);
  let stoppedAt = startedAt;
  const supervisor: Supervisor = new Supervisor({
    clock,
    emit,
    random: Math.random,
    fork: ({ config: { nodeArguments, preload } }, slot) =>
      forkChild('worker', { nodeArguments: [...nodeArguments, ...preloadArguments(preload)], attributes: [`grpcserverd.slot=${slot}`], logFd: LOG_FD }),
    dispatcher,
    door,
    generation,
    isReplacing: () => predecessor?.isGone === false,
    onReady() {
      if (routers === null) announce();
      else void routers.ready.then(announce);
    },
    onStopping() {
      service?.stopping();
      upgrader.noteStop('stop');
      code.close();
      kept.close();
      stoppedAt = clock.monotonic();
      ports.close();
      dispatcher.close();
      routers?.drain('stop', null);
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
      else if (message.type === 'limit-reached') onLimit(message);
      else if (message.type === 'files-loaded') code.note(handle.generation, message.files);
    },
    isCodeProven: (number) => code.isProven(number),
  });
  const announce = (): void => {
    const { plan, workers } = supervisor;
    const bootMs = clock.monotonic() - startedAt;
    announceReady({ emit, terminal, config, configFile, ports, tls: tls !== null, goal: plan.goal.workers, workers, bootMs });
    // Last: whoever waits for `systemctl start` finds in the log what has been started.
    succession.ready();
  };
  const upkeep = new Upkeep({ clock, random: Math.random, supervisor });
  onClose(reportLoad({ clock, supervisor, routers }));
  const inspections = new Inspections({ clock, door, workers: () => supervisor.workers });

  const kept = new KeptFiles({
    clock,
    emit,
    generations: () => [supervisor.plan.goal, ...supervisor.workers.filter(({ state }) => state !== 'draining')].map(({ generation: number }) => number),
    generationOf: (number) => supervisor.plan.generationOf(number),
    workers: () => supervisor.workers,
    routers,
    onChange,
  });
  onClose(() => kept.close());

  const preparation: PreparationParts = {
    emit,
    code,
    kept,
    ports,
    admin,
    current: () => supervisor.plan.generation.config,
    load,
    shared: { logFormat, ticketKeys },
    warn,
    onCommit(next, material) {
      dispatcher.setLimits(connectionLimits(next));
      routers?.apply(next, material);
      log.level = next.log.level;
      code.answered(supervisor.plan.goal.generation, next);
    },
  };
  const reloader = new Reloader({
    clock,
    emit,
    supervisor,
    prepare: async (sameConfig) => {
      upgrader.refuseWhileBusy();
      return prepareReload(preparation, sameConfig);
    },
    onBegan: () => service?.reloading(),
    onEnded,
  });
  const service = openService(manager, { clock, emit, supervisor, reloader, watchers, heir: predecessor === null ? undefined : process.pid, onClose });
  function onEnded(report: ReloadReport): void {
    service?.reloaded();
    code.ended(report, supervisor.workers.map(({ generation: number }) => number));
  }
  const status = () =>
    describeStatus(
      { supervisor, door, reloader, routers },
      {
        name: config.name,
        version: VERSION,
        configFile,
        address: ports.address,
        port: ports.port,
        tls: supervisor.plan.generation.tls,
        ...kept.problemsOf(supervisor.plan.generation.config),
        startedAt,
        now: clock.monotonic(),
        date: new Date(clock.now()),
        isLeaving: departure.isLeaving,
        changedCode: code.knownChanges(supervisor.plan.goal.generation),
      },
    );
  const stop = (cause: string, quick: boolean): void => {
    supervisor.stop(cause, quick);
    if (!quick) return;
    routers?.drain(cause, QUICK_STOP);
    succession.hurry(cause);
  };
  const departure = new Departure({ clock, emit, supervisor, stop, onChange });
  const scaleTo = (workers: number): void => supervisor.scale(supervisor.plan.generation.clampScale(workers), 'scale');
  const state = { pid: process.pid, name: config.name, version: VERSION, configFile: configFile === null ? null : realpathSync(configFile) };
  const upgrader = new Upgrader({
    clock,
    emit,
    manager,
    service: () => service,
    folder,
    path: files.folder,
    state,
    startTimeout: config.startTimeout,
    busy: () => whyBusy({ phase: supervisor.phase, isLeaving: departure.isLeaving, isReloading: reloader.progress !== null }),
    sockets: () => [...ports.sockets('port', passed.map(({ name }) => name)), ...admin.port.sockets],
    leave(kept) {
      ports.leave(kept);
      admin.leave(kept);
    },
    waiting: () => dispatcher.waiting,
    stop,
  });
  const succession = new Succession({
    clock,
    emit,
    predecessor,
    supervisor,
    folder,
    takeCharge() {
      folder.announce(state);
      if (predecessor !== null) claimPidfile();
    },
    async accept() {
      await ports.accept();
      await admin.port.accept();
    },
    listening: () => [...ports.sockets('port'), ...admin.port.sockets].map(({ fd }) => fd),
    service: () => service,
    stop,
  });
  const look = (): Promise<void> => code.look(supervisor.plan.goal.generation);
  const workers = (): number => supervisor.plan.target;
  const scale = (wanted: number): number => {
    if (wanted === 0) supervisor.scaleByConfig();
    else scaleTo(wanted);
    return supervisor.plan.target;
  };
  const control = await serveControl(folder.ownSocket, {
    status,
    look,
    watchers,
    reload: (sameConfig) => reloader.request(sameConfig ? 'reload command (same config)' : 'reload command', sameConfig),
    workers,
    scale,
    setLogLevel(level) {
      log.level = level;
      supervisor.plan.generation.logLevel = level;
      for (const worker of supervisor.workers) worker.send({ type: 'set-log-level', level });
      routers?.setLogLevel(level);
    },
    inspect: (order) => inspections.run(order),
    upgrade: (order, tell, told) => upgrader.request(order, tell, told),
    stop: (quick) => departure.stop('stop command', quick),
  });
  onClose(() => control.close());
  succession.started(config.startTimeout);
  code.start();
  routers?.start();
  supervisor.start();
  kept.start();
  signals.obey({
    stop: (cause, quick) => departure.stop(cause, quick),
    reload: (cause, sameConfig) => void reloader.request(cause, sameConfig),
    scaleBy: (difference) => scaleTo(supervisor.plan.target + difference),
  });
  const end = await supervisor.finished;
  await routers?.over();
  // One that was reading the config when the stop came has nothing left to replace, and says so.
  await reloader.idle();
  await upgrader.over(end.cut);
  const failure = await succession.over();
  const outcome = failure === null ? end : { ...end, exitCode: failure.exitCode, error: failure };
  refusals.flush();
  if (outcome.error !== null) {
    const { code, message, hint } = outcome.error;
    emit('daemon.failed', { code, error: message, hint });
  }
  emit('daemon.stopped', { ms: Math.round(clock.monotonic() - stoppedAt), cut: outcome.cut });
  endAnyway(emit);
  return outcome;
}
