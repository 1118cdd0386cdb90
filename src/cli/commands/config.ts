import { Command } from 'commander';
import { optionsPage } from '../../config/render/options-page.js';
import { configSchema } from '../../config/render/schema.js';
import { settingsAsJson, settingsAsYaml } from '../../config/render/settings.js';
import { addConfigFlags } from '../flags.js';
import { styleFor } from '../output.js';
import { loadSettings } from '../settings.js';

/** `grpcserverd config`: what is in effect, and what could be. */
export function configCommand(): Command {
  return new Command('config')
    .description('Settings in effect (show), schema, manual (docs)')
    .addCommand(showCommand())
    .addCommand(new Command('schema').description('Print the JSON Schema of config files, for editors').action(() => {
      process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);
    }))
    .addCommand(new Command('docs').description('Print the manual of all options (Markdown)').action(() => {
      process.stdout.write(optionsPage());
    }));
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Print the settings in effect, as YAML; secrets as ***')
    .option('--origin', 'say where each value comes from')
    .option('--json', 'print JSON');
  return addConfigFlags(command).action(async ({ origin = false, json = false }: { origin?: boolean; json?: boolean }) => {
    const { config, origins, warnings } = await loadSettings(command.opts());
    const shown = origin ? origins : null;
    process.stdout.write(json ? settingsAsJson(config, shown) : settingsAsYaml(config, shown, process.cwd()));
    const { yellow } = styleFor(process.stderr);
    for (const warning of warnings) process.stderr.write(`${yellow('warning:')} ${warning}\n`);
  });
}
