import { readFileSync } from 'node:fs';
import { DaemonError, systemCode } from '../shared/errors.js';
import { isCredential, missingCredential } from './credential-path.js';
import { isSecretText, secret, type Secret } from './option-values.js';

/**
 * The text of `adminToken`; a file is read now, and the line end after its one line does not count.
 * @throws DaemonError E_CONFIG_VALUE when the file cannot be used; what it holds is not said
 */
export function readAdminToken(source: Secret | null): string | null {
  if (source === null) return null;
  if ('text' in source) return source.text;
  const text = readText(source.file).replace(/\r?\n$/, '');
  if (isSecretText(text)) return text;
  throw new DaemonError('E_CONFIG_VALUE', `adminToken: ${source.file} must hold one line: ${secret.expects.replace(/, or .*/, '')}`, {
    hint: 'Make one with: openssl rand -hex 32',
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DaemonError('E_CONFIG_VALUE', `adminToken: ${file} cannot be read (${systemCode(cause) ?? 'error'})`, {
      cause,
      hint: isCredential(file, process.env) ? missingCredential(file) : 'The file must be readable by the user of the daemon and hold the token alone.',
    });
  }
}
