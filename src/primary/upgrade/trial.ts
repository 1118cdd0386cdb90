/** Runs in the primary. Lets the new version say its name, before it is let near anything: it may not even load. */
import { execFile } from 'node:child_process';
import type { UpgradeOrder } from '../../control/definition.js';
import { DaemonError, systemCode } from '../../shared/errors.js';

/** In milliseconds. */
const TIMEOUT = 20_000;
/** Of what it printed, the last lines that are told. */
const LINES = 12;

/** @returns its version @throws DaemonError E_UPGRADE with the last lines that it printed */
export function tryProgram({ node, program }: UpgradeOrder, nodeArguments: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(node, [...nodeArguments, program, '--version'], { timeout: TIMEOUT, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const version = /^\d+\.\d+\.\S+$/m.exec(stdout)?.[0];
      if (error === null && version !== undefined) resolve(version);
      else reject(new DaemonError('E_UPGRADE', `${node} ${program} cannot be run: ${reasonOf(error)}`, { detail: lastLines(`${stdout}${stderr}`) }));
    });
  });
}

function reasonOf(error: (Error & { readonly killed?: boolean; readonly code?: unknown; readonly signal?: unknown }) | null): string {
  if (error === null) return 'it tells no version';
  if (error.killed === true) return `it did not tell its version within ${TIMEOUT / 1000} s`;
  const code = systemCode(error);
  if (code !== undefined) return `the daemon's user gets ${code}`;
  return typeof error.code === 'number' ? `it exited with code ${error.code}` : `it ended by ${String(error.signal)}`;
}

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-LINES).join('\n');
