import { Command } from 'commander';
import { readAdminToken } from '../../config/admin-token.js';
import { readCertificates } from '../../config/certificates.js';
import { inspectServices } from '../../config/inspector.js';
import { resolveWorkers } from '../../config/parallelism.js';
import { DaemonError } from '../../shared/errors.js';
import { formatCheck, type CheckReport } from '../format-check.js';
import { addConfigFlags } from '../flags.js';
import { styleFor } from '../output.js';
import { loadSettings } from '../settings.js';

/** `grpcserverd check`: everything that `start` would load, without serving. */
export function checkCommand(): Command {
  const command = new Command('check')
    .description('Load what start would, and say what it is')
    .option('--json', 'print JSON');
  return addConfigFlags(command).action(async ({ json = false }: { json?: boolean }) => {
    try {
      const report = await check(command);
      process.stdout.write(json ? `${JSON.stringify({ ok: true, ...report }, null, 2)}\n` : formatCheck(report, styleFor(process.stdout), new Date()));
    } catch (thrown) {
      if (!json) throw thrown;
      const error = DaemonError.from(thrown);
      process.stdout.write(`${JSON.stringify({ ok: false, error: error.toData() }, null, 2)}\n`);
      process.exitCode = error.exitCode;
    }
  });
}

async function check(command: Command): Promise<CheckReport> {
  const { config, configFile, warnings } = await loadSettings(command.opts());
  const tls = readCertificates(config, new Date());
  readAdminToken(config.adminToken);
  const { services, interceptors } = await inspectServices(config);
  return {
    configFile,
    address: config.host.startsWith('unix:') ? config.host : `${config.host.includes(':') ? `[${config.host}]` : config.host}:${config.port}`,
    workers: resolveWorkers(config),
    services,
    interceptors,
    tls: tls === null ? null : { ...tls.facts, clientAuthentication: config.clientAuthentication },
    warnings: [...warnings, ...(tls?.warnings ?? [])],
  };
}
