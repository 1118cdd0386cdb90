// Somebody who follows a page of the documentation to the letter, in an empty folder.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { runCli, testEnvironment } from '../cli.js';
import { Deadline } from '../deadline.js';
import { ROOT } from '../paths.js';
import { TempDir } from '../temp-dir.js';
import { stepsOf, type CommandStep, type FragmentStep, type Step } from './page-steps.js';

/** For all that one command prints. */
const PATIENCE_MS = 60_000;
/** Ports as pages write them. Each reader has others, as several read at once. */
const PORTS = /\b(50051|50052|9090)\b/g;

interface Running {
  readonly step: CommandStep;
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

/** Does what the page says. @throws with the line of the page whose promise was not kept */
export async function followPage(path: string): Promise<void> {
  using dir = new TempDir();
  const page = readFileSync(path, 'utf8');
  const ports = await freePorts();
  // Where the page does not say which, it is the default one, which others may have.
  const reader = new Reader(dir, ports, /\bport:/.test(page) ? {} : { GRPCSERVERD_PORT: ports.get('50051') });
  try {
    for (const step of stepsOf(page)) await reader.take(step);
  } finally {
    await reader.leave();
  }
}

class Reader {
  readonly #dir: TempDir;
  readonly #ports: ReadonlyMap<string, string>;
  readonly #running: Running[] = [];
  readonly #env: NodeJS.ProcessEnv;
  #folder = '.';

  constructor(dir: TempDir, ports: ReadonlyMap<string, string>, env: NodeJS.ProcessEnv) {
    this.#dir = dir;
    this.#ports = ports;
    mkdirSync(dir.join('run'), { mode: 0o700 });
    install(dir);
    this.#env = testEnvironment({ ...env, XDG_RUNTIME_DIR: dir.join('run'), PATH: `${dir.join('node_modules/.bin')}:${process.env.PATH}` });
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'file') {
      this.#dir.write(`${this.#folder}/${step.path}`, this.#here(step.text));
      return;
    }
    if (step.kind === 'fragment') {
      await this.#check(step);
      return;
    }
    const moved = /^cd (\S+)$/.exec(step.command)?.[1];
    if (moved !== undefined) {
      this.#folder = `${this.#folder}/${moved}`;
      return;
    }
    // Which runs the project's own `prepare`, too.
    if (step.command === 'npm install') await this.#run({ ...step, command: 'npm run --silent --if-present prepare' });
    else if (step.command.startsWith('npm install ')) assertInstalled(step);
    else if (step.isBackground) await this.#start(step);
    else await this.#run(step);
  }

  async leave(): Promise<void> {
    const deadline = new Deadline(PATIENCE_MS);
    for (const { child, ended, step } of this.#running.reverse()) {
      child.kill('SIGTERM');
      await deadline.wait(ended, `the end of "${step.command}"`);
    }
  }

  /** Options only: the files that they name are often not there. */
  async #check({ text, line }: FragmentStep): Promise<void> {
    const path = this.#dir.write('fragment.yaml', /^servicers:/m.test(text) ? text : `${text}servicers: [./servicer.js]\n`);
    const { code, stdout, stderr } = await runCli(['config', 'show', '--config', path], { env: this.#env });
    assert.equal(code, 0, `line ${line}: ${stdout}${stderr}`);
  }

  async #run(step: CommandStep): Promise<void> {
    const running = this.#spawn(step);
    const code = await new Deadline(PATIENCE_MS).wait(running.ended, `line ${step.line}: the end of "${step.command}"`, running.output);
    assert.equal(code, step.exitCode, `line ${step.line}: the exit code of "${step.command}", which printed\n${this.#log(running)}`);
    const missing = firstMissing(step.prints.map((text) => this.#here(text)), running.output());
    if (missing !== undefined) assert.fail(`line ${step.line}: "${step.command}" did not print "${missing}", but\n${this.#log(running)}`);
  }

  async #start(step: CommandStep): Promise<void> {
    const running = this.#spawn(step);
    this.#running.push(running);
    const expected = step.prints.map((text) => this.#here(text));
    await new Deadline(PATIENCE_MS).poll(
      () => {
        if (firstMissing(expected, running.output()) === undefined) return true;
        assert.equal(running.child.exitCode, null, `line ${step.line}: "${step.command}" has ended\n${running.output()}`);
        return undefined;
      },
      `line ${step.line}: what "${step.command}" prints`,
      running.output,
    );
  }

  #spawn(step: CommandStep): Running {
    // Of a background command the shell becomes the command itself, so that a signal reaches it.
    const command = this.#here(step.isBackground ? `exec ${step.command.replace(/^npx /, '')}` : step.command);
    const child = spawn('sh', ['-c', command], { cwd: this.#dir.join(this.#folder), env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
    return { step, child, ended, output: () => output };
  }

  #log(running: Running): string {
    return [running, ...this.#running].map(({ step, output }) => `$ ${step.command}\n${output()}`).join('\n');
  }

  #here(text: string): string {
    return text.replaceAll(PORTS, (port) => this.#ports.get(port) ?? port);
  }
}

/** What `npm install` would have made of the packages, from those of this checkout. */
function install(dir: TempDir): void {
  mkdirSync(dir.join('node_modules/.bin'), { recursive: true });
  for (const name of readdirSync(`${ROOT}node_modules`)) {
    if (!name.startsWith('.') && name !== 'grpcserverd') symlinkSync(`${ROOT}node_modules/${name}`, dir.join('node_modules', name));
  }
  for (const name of readdirSync(`${ROOT}node_modules/.bin`)) symlinkSync(`${ROOT}node_modules/.bin/${name}`, dir.join('node_modules/.bin', name));
  symlinkSync(ROOT, dir.join('node_modules/grpcserverd'));
  symlinkSync(`${ROOT}bin/grpcserverd.js`, dir.join('node_modules/.bin/grpcserverd'));
}

function assertInstalled({ command, line }: CommandStep): void {
  for (const word of command.split(' ').slice(2)) {
    if (word.startsWith('-') || word === 'grpcserverd') continue;
    assert.ok(existsSync(`${ROOT}node_modules/${word}`), `line ${line}: ${word} is not among the packages that the pages are tested with`);
  }
}

/** The first of the lines that is not there behind those before it. */
function firstMissing(expected: readonly string[], output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trimEnd());
  let at = 0;
  for (const text of expected) {
    const pattern = new RegExp(`^${text.trimEnd().split('…').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')).join('.*')}$`);
    while (at < lines.length && !pattern.test(lines[at] ?? '')) at += 1;
    if (at === lines.length) return text;
    at += 1;
  }
  return undefined;
}

async function freePorts(): Promise<Map<string, string>> {
  const servers = await Promise.all(['50051', '50052', '9090'].map(async (name) => {
    const server = createServer().listen(0);
    await new Promise((resolve) => server.once('listening', resolve));
    return { name, server, port: String((server.address() as AddressInfo).port) };
  }));
  await Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))));
  return new Map(servers.map(({ name, port }) => [name, port]));
}
