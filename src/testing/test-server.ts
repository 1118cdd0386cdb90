// A server in the process of a test: what a worker serves with, without primary, fork and signals.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server as Listener } from 'node:net';
import { join, resolve } from 'node:path';
import { credentials as grpcCredentials, status, type ChannelCredentials, type ServerInterceptor } from '@grpc/grpc-js';
import { readCertificates, type TlsMaterial } from '../config/certificates.js';
import type { Config, UserConfig } from '../config/options.js';
import { resolveConfig } from '../config/resolve.js';
import { readSignature } from '../config/signature-data.js';
import { validateConfig } from '../config/validate.js';
import { createLogger, type DaemonLogger } from '../shared/logger.js';
import type { Modules } from '../worker/build-server.js';
import type { GrpcHook } from '../worker/define-servicer.js';
import { loadConfigFile } from '../worker/load-config-file.js';
import { loadInterceptors } from '../worker/load-interceptors.js';
import { selfCheck } from '../worker/self-check.js';
import { loadServicers } from '../worker/servicers.js';
import { createServing, type Serving } from '../worker/serving.js';
import { ListeningTarget, type TestTarget } from './test-target.js';

export interface TestServerOptions {
  /** The path of a config file, or what one holds. Its host, port and worker counts have no effect here. */
  readonly config?: string | Partial<UserConfig>;
  /** Instead of the config's: modules as a config names them, or the hooks themselves. */
  readonly servicers?: readonly (string | GrpcHook)[];
  /** Instead of the config's, outermost first: modules as a config names them, or the interceptors themselves. */
  readonly interceptors?: readonly (NonNullable<UserConfig['interceptors']>[number] | ServerInterceptor)[];
  /** Where relative paths start; the current folder if it is not given. Those in a config file start from the file's. */
  readonly folder?: string;
  /** What clients connect with; else no TLS, or as the config says: trusting `rootCertificate`, or anyone when there is none. */
  readonly credentials?: ChannelCredentials;
}

/** A server in this process. */
export type TestServer = TestTarget;

/**
 * Starts a server in this process, on a free port of 127.0.0.1, with the handlers' guard, the interceptors, TLS and all
 * else that a worker has around its servicers. Nothing is read from `GRPCSERVERD_*` variables, and faults of handlers
 * are logged to standard error.
 *
 * @throws DaemonError saying what is wrong with config, certificates, servicers or interceptors, as `grpcserverd check` does
 */
export async function startTestServer(options: TestServerOptions): Promise<TestServer> {
  const startedAt = performance.now();
  const folder = resolve(options.folder ?? '.');
  const config = await readConfig(options, folder);
  const tls = readCertificates(config, new Date());
  const modules = await loadModules(options, config, folder);
  const serving = await createServing({
    slot: 0,
    generation: 1,
    config,
    modules,
    startedAt,
    callLimit: config.maximumConcurrentRpcs,
    tls,
    // What Node takes: 48 bytes.
    ticketKeys: randomBytes(48),
    signature: readSignature(config),
    logger: loggerAt(config.log.level),
    onCallEnded: () => undefined,
    onTaken: () => undefined,
    onLost: () => undefined,
    onClosed: () => undefined,
  });
  const { server, transport, health } = serving;
  health.setServing();
  try {
    await selfCheck(server, transport, config.health ? null : health, config.startTimeout);
    const listener = await listen(serving);
    return new InProcessServer({ serving, listener, folder, credentials: options.credentials ?? credentialsFor(tls) });
  } catch (error) {
    await endServing(serving);
    throw error;
  }
}

/** How errors name an object that was given in place of a config file. */
const GIVEN = 'startTestServer';

async function readConfig({ config: given = {}, servicers }: TestServerOptions, folder: string): Promise<Config> {
  const isFile = typeof given === 'string';
  const path = isFile ? resolve(folder, given) : join(folder, GIVEN);
  const data = isFile ? await loadConfigFile(path) : given;
  // The option is required; of those that are given here, only the names of modules fit into a config.
  const names = servicers?.map((servicer) => (typeof servicer === 'string' ? servicer : GIVEN));
  const { config } = resolveConfig({
    file: { path, data: names === undefined ? data : { ...(data as object), servicers: names } },
    env: {},
    flags: { ...(isWordy(data) ? {} : { 'log.level': 'warn' }) },
    cwd: folder,
  });
  validateConfig(config, 1);
  return config;
}

/** Whether the config says itself how much is to be logged. */
const isWordy = (data: unknown): boolean => (data as { log?: { level?: unknown } } | null)?.log?.level !== undefined;

async function loadModules({ servicers, interceptors }: TestServerOptions, config: Config, folder: string): Promise<Modules> {
  return {
    interceptors: interceptors === undefined ? await loadInterceptors(config.interceptors) : await inOrder(interceptors, folder, interceptorOf),
    servicers: servicers === undefined ? await loadServicers(config.servicers) : await inOrder(servicers, folder, servicerOf),
  };
}

/** One after the other, as a worker does it. */
async function inOrder<In, Out>(list: readonly In[], folder: string, load: (entry: In, folder: string) => Promise<Out>): Promise<Out[]> {
  const loaded: Out[] = [];
  for (const entry of list) loaded.push(await load(entry, folder));
  return loaded;
}

async function servicerOf(given: string | GrpcHook, folder: string): Promise<Modules['servicers'][number]> {
  if (typeof given === 'function') return { name: given.name === '' ? 'a servicer' : given.name, hook: given, folder };
  const [loaded] = await loadServicers<Parameters<GrpcHook>[1]>(references({ servicers: [given] }, folder).servicers);
  return theOnly(loaded);
}

async function interceptorOf(given: NonNullable<TestServerOptions['interceptors']>[number], folder: string): Promise<Modules['interceptors'][number]> {
  if (typeof given === 'function') return { name: given.name, interceptor: given };
  const [loaded] = await loadInterceptors(references({ servicers: [GIVEN], interceptors: [given] }, folder).interceptors);
  return theOnly(loaded);
}

/** One reference was loaded, so there is one module. */
function theOnly<T>(loaded: T | undefined): T {
  assert(loaded !== undefined);
  return loaded;
}

/** As the config parses them. */
const references = (data: UserConfig, folder: string): Config => resolveConfig({ file: { path: join(folder, GIVEN), data }, env: {}, flags: {}, cwd: folder }).config;

const loggers = new Map<string, DaemonLogger>();

/** One for all servers of this process: each holds a listener for its exit. */
function loggerAt(level: string): DaemonLogger {
  let logger = loggers.get(level);
  if (logger === undefined) {
    logger = createLogger({ level, format: 'json', fd: 2, identity: { role: 'test' } });
    loggers.set(level, logger);
  }
  return logger;
}

function credentialsFor(tls: TlsMaterial | null): ChannelCredentials | undefined {
  if (tls === null) return undefined;
  const { authorities } = tls.pem;
  // Without an authority nothing vouches for the server; it is this very process.
  return grpcCredentials.createSsl(authorities === null ? null : Buffer.from(authorities), null, null, { rejectUnauthorized: authorities !== null });
}

function listen({ intake }: Serving): Promise<Listener> {
  let id = 0;
  const listener = createServer((socket) => intake.take((id += 1), socket));
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', () => resolve(listener));
  });
}

interface Parts {
  readonly serving: Serving;
  readonly listener: Listener;
  readonly folder: string;
  readonly credentials: ChannelCredentials | undefined;
}

class InProcessServer extends ListeningTarget {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    // A TCP server that listens has an address and a port.
    super({ ...parts, port: (parts.listener.address() as AddressInfo).port });
    this.#parts = parts;
  }

  protected override async end(): Promise<void> {
    const { listener, serving } = this.#parts;
    const closed = new Promise((resolve) => listener.close(resolve));
    await endServing(serving);
    await closed;
  }
}

/** What is still running ends with UNAVAILABLE: a test that wants its answers waits for them. */
async function endServing({ server, health, leaving, calls, intake, faults, hooks }: Serving): Promise<void> {
  leaving.abort();
  health.setNotServing();
  for (const call of calls) call.end({ code: status.UNAVAILABLE, details: 'The test server was closed', metadata: null });
  // So that these answers are on their way.
  await new Promise((resolve) => setImmediate(resolve));
  const empty = new Promise<void>((resolve) => {
    if (intake.connections === 0) resolve();
    else intake.onEmpty = resolve;
  });
  intake.destroyAll();
  await empty;
  faults.flush();
  await hooks.run();
  server.forceShutdown();
}
