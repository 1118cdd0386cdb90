/** The public API of the package. */
export { defineConfig, loadCredentialFromFile } from './config/define-config.js';
export type { Config, UserConfig } from './config/options.js';
export type { ServicerContext } from './worker/servicer-context.js';
