/**
 * Runs in the primary. The new daemon that is to take the place of this one, as its parent sees it: what it says, and how
 * it ends. Its half is src/primary/upgrade/predecessor.ts, in another version.
 */
import type { UpgradeOrder } from '../../control/definition.js';
import { HANDOVER_VARIABLE, type FromSuccessor, type HandedSocket, type Handover, type ToSuccessor } from '../../ipc/upgrade-messages.js';
import type { Clock } from '../../shared/clock.js';
import { deferred, type Deferred } from '../../shared/deferred.js';
import { DaemonError, systemCode } from '../../shared/errors.js';
import { FIRST_SOCKET, launch, type Launched } from './launch.js';

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
  /** See `launch`. */
  readonly as: 'child' | 'orphan';
  readonly onHurry: (cause: string) => void;
}

type Said = Exclude<FromSuccessor['type'], 'failed' | 'hurry'>;
type Message<Type extends Said> = Extract<FromSuccessor, { readonly type: Type }>;

export class Successor {
  readonly #clock: Clock;
  readonly #launched: Launched;
  #pid = 0;
  readonly #sockets: readonly HandedSocket[];
  readonly #said = new Map<Said, Deferred<FromSuccessor>>();
  readonly #ended = deferred();
  #state: 'running' | 'ended' = 'running';
  #failure: DaemonError | null = null;

  private constructor({ clock, order, nodeArguments, args, env, handover, sockets, as, onHurry }: SuccessorParts) {
    this.#clock = clock;
    this.#sockets = sockets;
    const whole: Handover = { ...handover, sockets: sockets.map((socket, index) => ({ ...socket, fd: FIRST_SOCKET + index })) };
    this.#launched = launch({
      command: [order.node, ...nodeArguments, order.program, ...args],
      env: { ...env, [HANDOVER_VARIABLE]: JSON.stringify(whole) },
      sockets: sockets.map(({ fd }) => fd),
      as,
    });
    this.#launched.channel.on('message', (message) => {
      // The other end is of ours, and knows what it may say.
      const said = message as FromSuccessor;
      if (said.type === 'failed') this.#failure ??= DaemonError.fromData(said.error);
      else if (said.type === 'hurry') onHurry(said.cause);
      else this.#awaited(said.type).resolve(said);
    });
    void this.#launched.ended.then((how) => this.#end(how));
  }

  /** Starts it. */
  static async start(parts: SuccessorParts): Promise<Successor> {
    const successor = new Successor(parts);
    successor.#pid = await successor.#launched.pid;
    return successor;
  }

  /** 0 when there is none. */
  get pid(): number {
    return this.#pid;
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
    const { channel } = this.#launched;
    if (channel.connected) channel.send(message, () => undefined);
  }

  /** Which of our descriptors it goes on with. @param kept the descriptors that they are there */
  ours(kept: readonly number[]): number[] {
    return this.#sockets.filter((_, index) => kept.includes(FIRST_SOCKET + index)).map(({ fd }) => fd);
  }

  /** Ends it; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#kill('SIGQUIT');
    const cancel = this.#clock.after(STOP_TIMEOUT, () => this.#kill('SIGKILL'));
    await this.ended;
    cancel();
  }

  /** Lets this process end before it. */
  release(): void {
    const { channel } = this.#launched;
    if (channel.connected) channel.disconnect();
    channel.unref();
  }

  #kill(signal: NodeJS.Signals): void {
    if (this.#state === 'ended' || this.#pid === 0) return;
    try {
      process.kill(this.#pid, signal);
    } catch (error) {
      if (systemCode(error) !== 'ESRCH') throw error;
    }
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
    this.#state = 'ended';
    this.#ended.resolve();
  }
}

const DEEDS: Readonly<Record<Said, string>> = {
  started: 'read its config',
  ready: 'become ready',
  'took-over': 'taken over',
  announced: 'announced itself',
};
