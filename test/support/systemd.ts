import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import type { UserConfig } from '#src/config/options.js';
import type { EventName } from '#src/shared/events.js';
import { testEnvironment, type CliResult } from './cli.js';
import type { LogRecord } from './daemon-log.js';
import { Deadline } from './deadline.js';
import { ROOT } from './paths.js';
import { TempDir } from './temp-dir.js';

/** Where the package, and the folder of the service `main`, are inside. */
const PACKAGE = '/run/package';
const APP = '/srv/grpcserverd/main';
export const UNIT = 'grpcserverd@main.service';
export const SOCKET = 'grpcserverd@main.socket';
export const ADMIN_SOCKET = 'grpcserverd-admin@main.socket';

const SYSTEMD = '/lib/systemd/systemd';
const NEEDED = [SYSTEMD, '/usr/bin/systemd-notify', '/usr/bin/unshare', '/usr/bin/nsenter'];
/** The usual units that others want or follow; empty, so that nothing of the machine is started. */
const TARGETS = ['default', 'sysinit', 'basic', 'sockets', 'paths', 'timers', 'network', 'network-online', 'multi-user', 'shutdown'];
/** Every kernel has them, also beside those of the first version; a systemd needs none of their controllers. */
const MOUNT_CGROUPS = 'mount -t cgroup2 cgroup2';

/**
 * Why no systemd can run here; false when one can. In CI the packages have to be there; what the kernel forbids to a
 * container without privileges, no package can give.
 */
export const noSystemd: string | false = (process.env.CI === undefined && whyNot()) || whyForbidden();

function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = NEEDED.find((path) => !existsSync(path));
  return missing === undefined ? false : `needs ${missing} (Debian: systemd, util-linux)`;
}

function whyForbidden(): string | false {
  const script = 'mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mkdir /mnt/groups && mount -t cgroup2 cgroup2 /mnt/groups';
  const { status } = spawnSync('unshare', ['--pid', '--fork', '--mount', '--ipc', '--uts', '--cgroup', 'sh', '-c', script], { stdio: 'ignore', timeout: 10_000 });
  return status === 0 ? false : 'this machine lets nobody make namespaces, or mount control groups in them';
}

/** Absolute path, inside, of a servicer in test/fixtures/servicers. */
export const servicerInside = (name: string): string => `${PACKAGE}/test/fixtures/servicers/${name}`;

export interface SystemdOptions {
  readonly config?: UserConfig;
  /** Drop-in files: unit -> text. */
  readonly dropIns?: Readonly<Record<string, string>>;
}

/**
 * A real systemd with our units, as PID 1 of its own PID, mount, IPC, UTS and cgroup namespaces; the network is that
 * of the machine. The package is installed where the unit looks for it. Its disposal ends everything in it.
 */
export class Systemd implements AsyncDisposable {
  /** What is in the folder of the service. */
  readonly app = new TempDir();
  readonly deadline = new Deadline(40_000);
  readonly #units = new TempDir();
  /** A control group of its own, or units of the same name would find each other's processes in theirs. */
  readonly #group = `grpcserverd-test-${randomUUID()}`;
  readonly #outer: ChildProcess;
  readonly #ended: Promise<void>;
  #output = '';
  #manager = '';

  private constructor({ config = {}, dropIns = {} }: SystemdOptions) {
    chmodSync(this.app.path, 0o755);
    this.configure(config);
    for (const name of readdirSync(`${ROOT}systemd`)) {
      if (name.startsWith('grpcserverd')) this.#units.write(name, readFileSync(`${ROOT}systemd/${name}`));
    }
    for (const target of TARGETS) this.#units.write(`${target}.target`, `[Unit]\nDescription=${target}\nDefaultDependencies=no\n`);
    // There is no journal inside.
    this.#units.write('grpcserverd@.service.d/log.conf', `[Service]\nStandardOutput=append:${APP}/log\nStandardError=append:${APP}/log\n`);
    for (const [unit, text] of Object.entries(dropIns)) this.#units.write(`${unit}.d/test.conf`, text);
    const namespaces = '--pid --fork --mount --mount-proc --ipc --uts --cgroup --kill-child=SIGKILL';
    const script = this.#withCgroups('mkdir "$cgroups/$group"; echo $$ >"$cgroups/$group/cgroup.procs"', `exec unshare ${namespaces} sh -ec "$boot"`);
    this.#outer = spawn('unshare', ['--mount', 'sh', '-ec', script], {
      env: { ...this.#env, boot: this.#boot(), container: 'test' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#outer.stdout, this.#outer.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#ended = new Promise((resolve) => this.#outer.once('close', () => resolve()));
  }

  /** Starts it; none of our units runs yet. */
  static async start(options: SystemdOptions = {}): Promise<Systemd> {
    const systemd = new Systemd(options);
    try {
      await systemd.#answers();
      return systemd;
    } catch (error) {
      await systemd[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Everything that was said, for the message of a failed test. */
  get text(): string {
    return `--- systemd\n${this.#output}--- log of the service\n${this.log}---`;
  }

  get log(): string {
    const file = this.app.join('log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** The lines of that event so far. */
  events(event: EventName): LogRecord[] {
    const lines = this.log.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line) => JSON.parse(line) as LogRecord).filter((record) => record.event === event);
  }

  /** Runs a program inside to its end. */
  async run(program: string, ...args: string[]): Promise<CliResult> {
    const child = spawn('nsenter', ['-t', this.#manager, '-m', '-p', '-i', '-u', '-C', program, ...args], { env: this.#env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    const result = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (result.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (result.stderr += text));
    const code = await this.until(new Promise<number>((resolve) => child.once('close', (exit) => resolve(exit ?? 1))), `the end of ${program} ${args.join(' ')}`);
    return { code, ...result };
  }

  /** Runs systemctl, which has to succeed. */
  async systemctl(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run('systemctl', ...args);
    if (code !== 0) throw new Error(`systemctl ${args.join(' ')} exited ${code}\n${stdout}${stderr}${(await this.run('systemctl', 'status', '-l', UNIT)).stdout}${this.text}`);
    return stdout;
  }

  /** A property of the service, as `systemctl show` tells it. */
  async show(property: string, unit = UNIT): Promise<string> {
    return (await this.systemctl('show', '--value', '-p', property, unit)).trim();
  }

  /** Waits until a property is as wanted; properties announce themselves to nobody. */
  shows(property: string, wanted: RegExp): Promise<string> {
    let last = '';
    return this.deadline.poll(
      async () => (wanted.test((last = await this.show(property))) ? last : undefined),
      `${property} to be like ${String(wanted)}`,
      () => `it is "${last}"\n${this.text}`,
    );
  }

  until<T>(promise: Promise<T>, what: string): Promise<T> {
    return this.deadline.wait(promise, what, () => this.text);
  }

  /** Writes the config of the service: two workers with the probe servicer, and what is given. */
  configure(config: UserConfig): void {
    const base: UserConfig = { servicers: [servicerInside('probe.js')], maxWorkers: 2, host: '127.0.0.1', port: 0 };
    this.app.write('grpcserverd.config.json', JSON.stringify({ ...base, ...config }));
  }

  /** The address of the newest start. */
  get address(): string {
    return String(this.events('daemon.listening').at(-1)?.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#outer.kill('SIGKILL');
    await this.#ended;
    // Its last processes may still be ending.
    const remove = this.#withCgroups('find "$cgroups/$group" -depth -type d -exec rmdir {} +');
    await new Deadline(10_000).poll(() => (spawnSync('unshare', ['--mount', 'sh', '-ec', remove]).status === 0 ? true : undefined), 'the end of its processes');
    this.#units[Symbol.dispose]();
    this.app[Symbol.dispose]();
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...testEnvironment(), SYSTEMD_UNIT_PATH: this.#units.path };
  }

  /** A script that sees all control groups in the folder $cgroups, and this systemd's there as $group. */
  #withCgroups(...lines: string[]): string {
    const cgroups = this.#units.join('cgroups');
    return [`mkdir -p ${cgroups}`, `${MOUNT_CGROUPS} ${cgroups}`, `cgroups=${cgroups}; group=${this.#group}`, ...lines].join('\n');
  }

  #boot(): string {
    const parts = ['bin', 'dist', 'test', 'node_modules', 'package.json'];
    return [
      'mount --make-rprivate /',
      // As on a machine that systemd has booted; credentials come by a mount that is passed on.
      'mount --make-rshared /',
      'mount -t tmpfs -o mode=755 tmpfs /run',
      `mkdir -p /run/systemd /run/lock ${PACKAGE}`,
      ...parts.map((part) => {
        const [from, to] = [realpathSync(`${ROOT}${part}`), `${PACKAGE}/${part}`];
        return `${part.includes('.') ? `touch ${to}` : `mkdir ${to}`}; mount --bind '${from}' ${to}`;
      }),
      `touch /run/node; mount --bind '${process.execPath}' /run/node`,
      'mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin',
      `ln -s ${PACKAGE}/bin/grpcserverd.js /usr/local/sbin/grpcserverd; ln -s /run/node /usr/local/sbin/node`,
      'mount -t tmpfs -o mode=755 tmpfs /srv',
      `mkdir -p ${APP}; mount --bind '${this.app.path}' ${APP}`,
      `${MOUNT_CGROUPS} /sys/fs/cgroup`,
      `exec ${SYSTEMD} --system --log-target=console --log-level=notice --show-status=0`,
    ].join('\n');
  }

  async #answers(): Promise<void> {
    const { pid } = this.#outer;
    const early = this.#ended.then(() => Promise.reject(new Error(`systemd did not start\n${this.#output}`)));
    const ask = async (): Promise<true | undefined> => {
      this.#manager = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0] ?? '';
      return this.#manager !== '' && (await this.run('systemctl', 'list-units')).code === 0 ? true : undefined;
    };
    await Promise.race([this.deadline.poll(ask, 'an answer of systemd', () => this.#output), early]);
  }
}

/** A systemd in which the service has been started. */
export async function startService(options: SystemdOptions = {}): Promise<Systemd> {
  const systemd = await Systemd.start(options);
  try {
    await systemd.systemctl('start', UNIT);
    return systemd;
  } catch (error) {
    await systemd[Symbol.asyncDispose]();
    throw error;
  }
}
