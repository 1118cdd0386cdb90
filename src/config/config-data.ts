import { DaemonError } from '../shared/errors.js';
import { plainData } from './plain-data.js';

/**
 * What a config file gave, as data and nothing else.
 *
 * @param shown the file as people know it
 * @throws {DaemonError} E_CONFIG_VALUE when a function or an object of a class is in it
 */
export function configData(value: unknown, shown: string): unknown {
  return plainData(value, (place, what) => {
    throw new DaemonError('E_CONFIG_VALUE', `${shown}: ${place === '' ? 'the config' : place} is ${what}; a config must be data`, {
      hint: 'Use text, numbers, true, false, lists and maps only; modules are given by their path.',
    });
  });
}
