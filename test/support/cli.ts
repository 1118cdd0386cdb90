import { execFile } from 'node:child_process';
import { BIN, ROOT } from './paths.js';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CliOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds until it is killed. */
  readonly timeout?: number;
}

/** Runs a command of the real bin to its end. */
export function runCli(args: readonly string[], { env = testEnvironment(), cwd = ROOT, timeout = 30_000 }: CliOptions = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [BIN, ...args], { env, cwd, timeout }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(new Error(`grpcserverd ${args.join(' ')} ended by ${error.signal ?? error.code}\n${stdout}${stderr}`));
    });
  });
}

/** This process's environment without what would change the daemon's behaviour. */
export function testEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(GRPCSERVERD_|GRPC_|NODE_TEST|NODE_OPTIONS|RUNTIME_DIRECTORY|NOTIFY_SOCKET|LISTEN_|FORCE_COLOR|https?_proxy|grpc_proxy)/i.test(name),
  );
  return { ...Object.fromEntries(kept), NO_COLOR: '1', ...more };
}
