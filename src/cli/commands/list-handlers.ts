import { Command } from 'commander';
import { inspectServices } from '../../config/inspector.js';
import { addConfigFlags } from '../flags.js';
import { table } from '../output.js';
import { loadSettings } from '../settings.js';

/** `grpcserverd list-handlers`: the methods that the servicers offer, one a line. */
export function listHandlersCommand(): Command {
  const command = new Command('list-handlers').description('Print the methods of the servicers, one a line').option('--json', 'print JSON');
  return addConfigFlags(command).action(async ({ json = false }: { json?: boolean }) => {
    const { config } = await loadSettings(command.opts());
    const { services } = await inspectServices(config);
    const handlers = services.flatMap((service) =>
      service.methods.map(({ name, kind }) => ({ path: `/${service.name}/${name}`, service: service.name, method: name, kind })),
    );
    process.stdout.write(json ? `${JSON.stringify(handlers, null, 2)}\n` : table(handlers.map(({ path, kind }) => [path, kind])));
  });
}
