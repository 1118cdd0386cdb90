import { DaemonError } from '../shared/errors.js';
import { formatSize } from '../shared/quantity.js';
import { FRONT_OPTIONS } from './front-options.js';
import { OPTIONS, type Config } from './options.js';
import { resolveMinWorkers, resolveWorkers } from './parallelism.js';

/** The longest path that the kernel takes for a unix socket, in bytes, less the NUL. */
const SOCKET_PATH_LIMIT = 107;

/** About the resident memory of a worker with a small servicer that has served nothing yet, in bytes. */
const IDLE_MEMORY = 72 * 2 ** 20;

/** The module and export that place the signature check among the interceptors. */
export const SIGNATURE_MODULE = 'grpcserverd/interceptors';
export const SIGNATURE_EXPORT = 'signatureValidation';

/**
 * Checks what no option can check alone.
 *
 * @param parallelism what `maxWorkers: auto` stands for
 * @returns warnings: what is valid, and probably not what was meant
 * @throws {DaemonError} E_CONFIG_VALUE for options that contradict each other
 */
export function validateConfig(config: Config, parallelism: number): string[] {
  checkAddress(config);
  if (config.admin !== null) checkSocketPath('admin', config.admin.host);
  checkCertificates(config);
  checkWorkers(config, parallelism);
  checkBalance(config);
  checkCallLimit(config, parallelism);
  checkReadiness(config, parallelism);
  return [...logWarnings(config), ...signatureWarnings(config), ...certificateWarnings(config), ...memoryWarnings(config), ...transportWarnings(config)];
}

/** True when calls are checked for signatureData, were authentication on: by the option, or by name in the list. */
export function isSignatureWanted(config: Pick<Config, 'signature' | 'interceptors'>): boolean {
  return (
    config.signature ||
    config.interceptors.some(({ module, exportName }) => module === SIGNATURE_MODULE && exportName === SIGNATURE_EXPORT)
  );
}

function refuse(message: string, hint: string): never {
  throw new DaemonError('E_CONFIG_VALUE', message, { hint });
}

function checkAddress({ host }: Config): void {
  if (host.startsWith('unix:')) {
    checkSocketPath('host', host);
  } else if (/^\[.*\]/.test(host) || /^[^:]*:\d+$/.test(host) || host.includes('/')) {
    refuse(`host must be a name or an address alone; got "${host}"`, 'Write [::]:50051 as host "::" and port 50051.');
  }
}

function checkSocketPath(key: string, host: string): void {
  const bytes = Buffer.byteLength(host.slice('unix:'.length));
  if (host.startsWith('unix:') && bytes > SOCKET_PATH_LIMIT) {
    refuse(`${key}: the path of the unix socket has ${bytes} bytes; the system takes ${SOCKET_PATH_LIMIT}`, 'Choose a shorter path.');
  }
}

function checkReadiness(config: Config, parallelism: number): void {
  const least = resolveMinWorkers(config, parallelism);
  if (config.minReadyWorkers <= least) return;
  refuse(`minReadyWorkers is ${config.minReadyWorkers}, and the server may have as few as ${least} workers: it would never be ready`, `Set minReadyWorkers to ${least} or fewer.`);
}

function checkCertificates({ authentication, certificates, clientAuthentication }: Config): void {
  const { serverCertificate, serverCertificateKey, rootCertificate } = certificates;
  if (authentication === 'ssl' && (serverCertificate === null || serverCertificateKey === null)) {
    const missing = Object.entries({ serverCertificate, serverCertificateKey })
      .filter(([, value]) => value === null)
      .map(([key]) => `certificates.${key}`);
    refuse(`authentication "ssl" needs ${missing.join(' and ')}`, 'Make a development set with: grpcserverd certs DIR');
  }
  if (clientAuthentication === 'none') return;
  if (authentication !== 'ssl') {
    refuse(`clientAuthentication "${clientAuthentication}" needs authentication "ssl"`, 'Set authentication to "ssl", or clientAuthentication to "none".');
  }
  if (rootCertificate === null) {
    refuse(
      `clientAuthentication "${clientAuthentication}" needs certificates.rootCertificate`,
      'Give the authorities that client certificates are checked against.',
    );
  }
}

function checkWorkers(config: Config, parallelism: number): void {
  const [min, max] = [resolveMinWorkers(config, parallelism), resolveWorkers(config, parallelism)];
  if (min <= max) return;
  const auto = config.maxWorkers === 'auto' ? ' (auto)' : '';
  refuse(`minWorkers is ${min} and maxWorkers is ${max}${auto}`, `Set minWorkers to ${max} or fewer, or maxWorkers to ${min} or more.`);
}

function checkBalance({ balance, transport }: Config): void {
  if (balance === 'connection' || transport === 'lean') return;
  refuse(`balance "rpc" needs transport "lean", and it is "${transport}"`, 'Set transport to "lean", or balance to "connection".');
}

function checkCallLimit(config: Config, parallelism: number): void {
  const limit = config.maximumConcurrentRpcs;
  const workers = resolveWorkers(config, parallelism);
  // Routers count the calls of all workers together.
  if (limit === null || limit >= workers || config.balance === 'rpc') return;
  const auto = config.maxWorkers === 'auto' ? ' (auto)' : '';
  refuse(
    `maximumConcurrentRpcs is ${limit} and maxWorkers is ${workers}${auto}: the workers share the calls out, and each needs at least one`,
    `Set maximumConcurrentRpcs to ${workers} or more, maxWorkers to ${limit} or fewer, or balance to "rpc".`,
  );
}

function signatureWarnings(config: Config): string[] {
  const hasData = Object.keys(config.signatureData).length > 0;
  if (!isSignatureWanted(config)) {
    return hasData ? ['signatureData is given but signature is off: calls are not checked'] : [];
  }
  if (config.authentication === null) {
    return ['signature is on but authentication is off: signatures are not checked (secrets must not travel unencrypted)'];
  }
  return hasData ? [] : ['signature is on but signatureData is empty: every call passes'];
}

function logWarnings({ log: { access, level } }: Config): string[] {
  return access === null || ['trace', 'debug', 'info'].includes(level) ? [] : [`log.access is "${access}", but log.level is "${level}": calls are logged with level info`];
}

function memoryWarnings({ maxWorkerMemory }: Config): string[] {
  if (maxWorkerMemory === null || maxWorkerMemory >= IDLE_MEMORY) return [];
  return [`maxWorkerMemory is ${formatSize(maxWorkerMemory)}: a worker that does nothing needs about ${formatSize(IDLE_MEMORY)}, so all will be replaced again and again`];
}

function transportWarnings({ transport, maxMetadataSize, options }: Config): string[] {
  if (transport === 'http2') {
    return maxMetadataSize === OPTIONS.maxMetadataSize.default ? [] : ['maxMetadataSize has an effect with transport "lean" only'];
  }
  return Object.keys(options)
    .filter((name) => name in FRONT_OPTIONS)
    .map((name) => `options: "${name}" has no effect with transport "lean"; set ${FRONT_OPTIONS[name] ?? ''}`);
}

function certificateWarnings({ authentication, certificates }: Config): string[] {
  const isGiven = Object.values(certificates).some((source) => source !== null);
  return authentication === null && isGiven ? ['certificates are given but authentication is off: clients connect without TLS'] : [];
}
