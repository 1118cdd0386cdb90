import { resolveConfig } from '#src/config/resolve.js';
import type { UserConfig } from '#src/config/options.js';
import { Generation } from '#src/primary/generation.js';

/** A generation with default settings but for those given, and without routers, which have their own tests. */
export function generationOf(settings: UserConfig = {}): Generation {
  const data = { servicers: ['./x.js'], balance: 'connection', ...settings };
  const { config } = resolveConfig({ file: { path: '/config.json', data }, env: {}, flags: {}, cwd: '/' });
  return new Generation({ config, tls: null, signature: null, logFormat: 'json', ticketKeys: '' });
}
