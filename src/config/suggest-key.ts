import { OPTION_KEYS, type OptionKey } from './options.js';
import { ENVIRONMENT_PREFIX, camelCase, environmentName, snakeCase } from './key-spelling.js';
import { nearest } from './nearest.js';

/** What people write who come from elsewhere, and no misspelling would lead to. */
const OTHER_NAMES = new Map<string, OptionKey>([
  ['workers', 'maxWorkers'],
  ['processes', 'maxWorkers'],
  ['maxProcesses', 'maxWorkers'],
  ['numWorkers', 'maxWorkers'],
  ['services', 'servicers'],
  ['middleware', 'interceptors'],
  ['maxConcurrentRpcs', 'maximumConcurrentRpcs'],
  ['address', 'host'],
  ['bind', 'host'],
  ['listen', 'host'],
  ['tls', 'authentication'],
  ['ssl', 'authentication'],
  ['clientAuth', 'clientAuthentication'],
  ['cert', 'certificates.serverCertificate'],
  ['certificate', 'certificates.serverCertificate'],
  ['key', 'certificates.serverCertificateKey'],
  ['ca', 'certificates.rootCertificate'],
  ['rootCa', 'certificates.rootCertificate'],
  ['pid', 'pidfile'],
  ['verbosity', 'log.level'],
  ['shutdownTimeout', 'gracefulTimeout'],
  ['gracePeriod', 'gracefulTimeout'],
  ['channelOptions', 'options'],
  ['nodeArgs', 'nodeArguments'],
  ['nodeOptions', 'nodeArguments'],
  ['execArgv', 'nodeArguments'],
]);

/** The option that an unknown key of a file was probably meant to be, in the spelling that the file uses. */
export function suggestKey(written: string): string | undefined {
  const spell = /^[^A-Z]*_[^A-Z]*$/.test(written) ? snakeCase : (key: string) => key;
  const last = camelCase(written.slice(written.lastIndexOf('.') + 1));
  const known = OTHER_NAMES.get(camelCase(written)) ?? OTHER_NAMES.get(last);
  if (known !== undefined) return spell(known);
  const byLastSegment = new Map(OPTION_KEYS.map((key) => [key.slice(key.lastIndexOf('.') + 1), key]));
  const segment = nearest(last, byLastSegment.keys());
  const key = nearest(written, OPTION_KEYS) ?? (segment === undefined ? undefined : byLastSegment.get(segment));
  return key === undefined ? undefined : spell(key);
}

/** The same for an environment variable. */
export function suggestVariable(written: string): string | undefined {
  const key = written.slice(ENVIRONMENT_PREFIX.length).toLowerCase();
  const found = OTHER_NAMES.get(camelCase(key)) ?? nearest(key, OPTION_KEYS);
  return found === undefined ? undefined : environmentName(found);
}
