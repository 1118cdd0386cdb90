/**
 * Runs in the primary. Keeps what settings read from files as new as it is on disk: what is good goes to the running
 * workers and to those that start later; while the files are no good, what was read last counts on. What it is that
 * is kept, certificate-keeper.ts and signature-keeper.ts know.
 */
import type { Config } from '../config/options.js';
import type { ToWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import type { DaemonError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import { FollowedFiles, type FileSource } from './followed-files.js';
import type { Generation } from './generation.js';

/** Between two looks, in milliseconds. */
export const LOOK_INTERVAL = 1000;

/** A worker; or what stands for the routers. */
export interface Recipient<Message extends ToWorker> {
  readonly generation: number;
  send(message: Message): boolean;
}

export interface FileKeeperOptions<Message extends ToWorker> {
  readonly clock: Clock;
  readonly emit: Emit;
  /** The numbers of the generations that take new connections, or will; the one that is wanted comes first. */
  readonly generations: () => Iterable<number>;
  readonly generationOf: (number: number) => Generation;
  /** The workers that have not gone. */
  readonly workers: () => readonly Recipient<Message>[];
  /** What `status` says may be something else. */
  readonly onChange: () => void;
}

/** A generation that uses what is kept, and what it had when this look began. */
interface User<Material> {
  readonly number: number;
  readonly generation: Generation;
  readonly material: Material;
}

export abstract class FileKeeper<Material, Message extends ToWorker> {
  protected readonly options: FileKeeperOptions<Message>;
  /** By what the settings say: generations that name the same files share them. */
  #files = new Map<string, FollowedFiles<Material>>();
  #cancel: () => void = () => undefined;
  #looking: Promise<void> = Promise.resolve();
  #state: 'idle' | 'keeping' | 'closed' = 'idle';

  constructor(options: FileKeeperOptions<Message>) {
    this.options = options;
  }

  /** Tells settings apart that name other files, or want something else of them. */
  protected abstract keyOf(config: Config): string;
  protected abstract sourceOf(config: Config): FileSource<Material>;
  /** Null when a generation needs none. */
  protected abstract materialOf(generation: Generation): Material | null;
  protected abstract give(generation: Generation, material: Material): void;
  protected abstract messageOf(material: Material): Message;
  protected abstract isSame(one: Material, other: Material): boolean;
  protected abstract tellReplaced(material: Material, workers: number): void;
  protected abstract tellMended(inUse: Material): void;
  protected abstract tellRefused(error: DaemonError, inUse: Material): void;
  /** A look is over. @param inUse of the generation that is wanted */
  protected looked?(inUse: Material | undefined): void;

  /**
   * Reads the files for a generation to come. Those that serve get what is found too.
   * @returns null when the settings want nothing of them
   * @throws DaemonError
   */
  read(config: Config): Material | null {
    return this.#filesOf(config).read();
  }

  start(): void {
    this.#state = 'keeping';
    this.#lookLater();
  }

  close(): void {
    this.#state = 'closed';
    this.#cancel();
  }

  /** Resolves when the look that is under way, if any, is over. */
  idle(): Promise<void> {
    return this.#looking;
  }

  /** What is wrong with the files of these settings; null when nothing is, or it may pass yet. */
  problemOf(config: Config): string | null {
    return this.#files.get(this.keyOf(config))?.trouble.told?.message ?? null;
  }

  #lookLater(): void {
    this.#cancel = this.options.clock.after(LOOK_INTERVAL, () => {
      this.#looking = this.#look().then(() => {
        if (this.#state === 'keeping') this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    const users = this.#users();
    // Those that no generation needs any more are forgotten.
    this.#files = new Map(users.map(({ generation: { config } }) => [this.keyOf(config), this.#filesOf(config)]));
    await Promise.all([...this.#files.values()].map((files) => files.look()));
    if (this.#state === 'closed') return;
    for (const [key, files] of this.#files) {
      const [first, ...rest] = users.filter(({ generation }) => this.keyOf(generation.config) === key);
      if (first !== undefined) this.#bringUp(files, [first, ...rest]);
    }
    this.looked?.(this.#users()[0]?.material);
  }

  #users(): User<Material>[] {
    const { generations, generationOf } = this.options;
    return [...new Set(generations())].flatMap((number) => {
      const generation = generationOf(number);
      const material = this.materialOf(generation);
      return material === null ? [] : [{ number, generation, material }];
    });
  }

  /** Gives the newest material to those that have another, and tells what there is to tell. */
  #bringUp(files: FollowedFiles<Material>, users: readonly [User<Material>, ...User<Material>[]]): void {
    const { clock, onChange } = this.options;
    const { newest, trouble } = files;
    const stale = newest === null ? [] : users.filter(({ material }) => !this.isSame(material, newest));
    const isRelieved = trouble.takeRelief();
    const problem = trouble.takeNew(clock.monotonic());
    if (newest !== null && stale.length > 0) {
      this.tellReplaced(newest, stale.reduce((told, each) => told + this.#swap(each, newest), 0));
    } else if (isRelieved) {
      this.tellMended(users[0].material);
    }
    if (problem !== null) {
      const { generation, material } = users[0];
      this.tellRefused(problem, this.materialOf(generation) ?? material);
    }
    if (stale.length > 0 || isRelieved || problem !== null) onChange();
  }

  /** Returns how many workers were told. */
  #swap({ number, generation }: User<Material>, material: Material): number {
    this.give(generation, material);
    // Those that drain may still get a connection that was on its way to them.
    const own = this.options.workers().filter((worker) => worker.generation === number);
    return own.filter((worker) => worker.send(this.messageOf(material))).length;
  }

  #filesOf(config: Config): FollowedFiles<Material> {
    const key = this.keyOf(config);
    const files = this.#files.get(key) ?? new FollowedFiles(this.sourceOf(config), this.options.clock);
    this.#files.set(key, files);
    return files;
  }
}
