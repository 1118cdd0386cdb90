/**
 * Runs in the primary. The new daemon that is to take the place of this one, as its parent sees it: what it says, and how
 * it ends. Its half is src/primary/upgrade/predecessor.ts, in another version.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { UpgradeOrder } from '../../control/definition.js';
import { HANDOVER_VARIABLE, type FromSuccessor, type HandedSocket, type Handover, type ToSuccessor } from '../../ipc/upgrade-messages.js';
import type { Clock } from '../../shared/clock.js';
import { deferred, type Deferred } from '../../shared/deferred.js';
import { DaemonError, toError } from '../../shared/errors.js';

/** Standard input, output and error come before the sockets. */
const FIRST_FD = 3;
/** What it gets for a quick stop before it is killed, in milliseconds. */
const STOP_TIMEOUT = 5000;

export interface SuccessorParts {
  readonly clock: Clock;
  readonly order: UpgradeOrder;
  /** Of this very process: those of node, and those of the daemon. */
  readonly nodeArguments: readonly string[];
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly handover: Omit<Handover, 'sockets'>;
  /** With the descriptors that they have here. */
  readonly sockets: readonly HandedSocket[];
  readonly onHurry: (cause: string) => void;
}

type Said = Exclude<FromSuccessor['type'], 'failed' | 'hurry'>;
type Message<Type extends Said> = Extract<FromSuccessor, { readonly type: Type }>;

export class Successor {
  readonly #clock: Clock;
  readonly #process: ChildProcess;
  readonly #sockets: readonly HandedSocket[];
  readonly #said = new Map<Said, Deferred<FromSuccessor>>();
  readonly #ended = deferred();
  #failure: DaemonError | null = null;

  /** Starts it. */
  constructor({ clock, order, nodeArguments, args, env, handover, sockets, onHurry }: SuccessorParts) {
    this.#clock = clock;
    this.#sockets = sockets;
    const whole: Handover = { ...handover, sockets: sockets.map((socket, index) => ({ ...socket, fd: FIRST_FD + index })) };
    this.#process = spawn(order.node, [...nodeArguments, order.program, ...args], {
      env: { ...env, [HANDOVER_VARIABLE]: JSON.stringify(whole) },
      stdio: ['inherit', 'inherit', 'inherit', ...sockets.map(({ fd }) => fd), 'ipc'],
    });
    this.#process.on('message', (message) => {
      // The other end is of ours, and knows what it may say.
      const said = message as FromSuccessor;
      if (said.type === 'failed') this.#failure ??= DaemonError.fromData(said.error);
      else if (said.type === 'hurry') onHurry(said.cause);
      else this.#awaited(said.type).resolve(said);
    });
    this.#process.once('error', (error) => this.#end(`it cannot be started: ${toError(error).message}`));
    this.#process.once('exit', (code, signal) => {
      const how = signal === null ? `it exited with code ${String(code)}` : `it ended by ${signal}`;
      // What it has said before comes until then.
      if (this.#process.connected) this.#process.once('disconnect', () => this.#end(how));
      else this.#end(how);
    });
  }

  /** 0 when there is none. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /**
   * What it says, be it said already or yet to come.
   * @param ms how long that may take, in milliseconds
   * @throws DaemonError why it does not say so
   */
  async hears<Type extends Said>(type: Type, ms: number): Promise<Message<Type>> {
    const late = deferred<never>();
    const cancel = this.#clock.after(ms, () => late.reject(new DaemonError('E_UPGRADE', `The new daemon, pid ${this.pid}, has not ${DEEDS[type]} within ${ms / 1000} s`)));
    try {
      // Only a message of that type settles it.
      return (await Promise.race([this.#awaited(type).promise, late.promise])) as Message<Type>;
    } finally {
      cancel();
    }
  }

  /** Resolves when this process may end without being missed, or when the new one has ended. Never rejects. */
  async announced(): Promise<void> {
    await this.#awaited('announced').promise.catch(() => undefined);
  }

  send(message: ToSuccessor): void {
    // One that has gone says so by itself.
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /** Which of our descriptors it goes on with. @param kept the descriptors that they are there */
  ours(kept: readonly number[]): number[] {
    return this.#sockets.filter((_, index) => kept.includes(FIRST_FD + index)).map(({ fd }) => fd);
  }

  /** Ends it; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#process.kill('SIGQUIT');
    const cancel = this.#clock.after(STOP_TIMEOUT, () => this.#process.kill('SIGKILL'));
    await this.ended;
    cancel();
  }

  /** Lets this process end before it. */
  release(): void {
    if (this.#process.connected) this.#process.disconnect();
    this.#process.unref();
  }

  #awaited(type: Said): Deferred<FromSuccessor> {
    const known = this.#said.get(type);
    if (known !== undefined) return known;
    const awaited = deferred<FromSuccessor>();
    // Nobody may be waiting for it.
    awaited.promise.catch(() => undefined);
    this.#said.set(type, awaited);
    return awaited;
  }

  #end(how: string): void {
    const error = this.#failure ?? new DaemonError('E_UPGRADE', `The new daemon, pid ${this.pid}, was not ready: ${how}`);
    for (const type of Object.keys(DEEDS) as Said[]) this.#awaited(type).reject(error);
    this.#ended.resolve();
  }
}

const DEEDS: Readonly<Record<Said, string>> = {
  started: 'read its config',
  ready: 'become ready',
  'took-over': 'taken over',
  announced: 'announced itself',
};
