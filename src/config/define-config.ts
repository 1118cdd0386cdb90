import type { CertificateSource } from './option-values.js';
import type { UserConfig } from './options.js';

/** Returns the config as it is; for the sake of the editor, which then completes and checks its keys. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}

/**
 * Names a file with a certificate or a key. It is read when the daemon starts, not here.
 *
 * @param path absolute, or relative to the folder of the config file
 */
export function loadCredentialFromFile(path: string): Extract<CertificateSource, { path: string }> {
  return { path };
}
