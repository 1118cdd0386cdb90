/** One option, four spellings: `log.level` in code, `log_level` segments in files, a flag, an environment variable. */

/** `maxWorkers` becomes `max_workers`; dots stay. */
export const snakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `max_workers` becomes `maxWorkers`; camelCase stays. */
export const camelCase = (key: string): string =>
  key.replace(/([a-z0-9])_([a-z0-9])/g, (_match, before: string, after: string) => before + after.toUpperCase());

/** `log.level` becomes `log-level`, as in `--log-level`. */
export const flagName = (key: string): string => snakeCase(key).replace(/[._]/g, '-');

export const ENVIRONMENT_PREFIX = 'GRPCSERVERD_';

/** `log.level` becomes `GRPCSERVERD_LOG_LEVEL`. */
export const environmentName = (key: string): string =>
  ENVIRONMENT_PREFIX + snakeCase(key).replaceAll('.', '_').toUpperCase();
