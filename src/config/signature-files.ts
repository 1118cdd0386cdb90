import type { Config } from './options.js';
import { checkSecretAccess } from './secret-access.js';

/**
 * Looks at who may read the files of signatureData; what they hold is the workers' business.
 * @returns warnings
 * @throws DaemonError E_CONFIG_VALUE for one that everybody may read, unless allowWorldReadableKeys is on
 */
export function checkSignatureFiles({ signatureData, allowWorldReadableKeys }: Pick<Config, 'signatureData' | 'allowWorldReadableKeys'>): string[] {
  return Object.entries(signatureData).flatMap(([key, value]) =>
    'file' in value ? checkSecretAccess(`signatureData.${key}: ${value.file}`, value.file, 'E_CONFIG_VALUE', allowWorldReadableKeys) : [],
  );
}
