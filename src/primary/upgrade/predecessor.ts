/**
 * Runs in the primary. The daemon that this one is to replace, as its child sees it. Its half is
 * src/primary/upgrade/successor.ts, in another version.
 */
import { closeSync } from 'node:fs';
import { HANDOVER_VARIABLE, type FromSuccessor, type HandedSocket, type Handover, type ToSuccessor } from '../../ipc/upgrade-messages.js';
import { deferred } from '../../shared/deferred.js';
import type { DaemonError } from '../../shared/errors.js';
import type { Consent } from '../runtime-folder.js';
import { passedFor } from '../systemd/environment.js';

export class Predecessor {
  readonly #handover: Handover;
  readonly #consent = deferred<Consent>();
  readonly #gone = deferred();
  /** Told to stop by the old one, since when somebody listens. */
  #onStop: ((cause: string) => void) | null = null;
  #stop: string | null = null;

  private constructor(handover: Handover) {
    this.#handover = handover;
    process.on('message', (message: ToSuccessor) => {
      if (message.type === 'take-over') this.#consent.resolve('granted');
      else this.#stopped(message.cause);
    });
    process.once('disconnect', () => {
      this.#consent.resolve('gone');
      this.#gone.resolve();
    });
  }

  /** Reads who is to be replaced, and takes it out of the environment; null when this is no upgrade. */
  static take(env: Record<string, string | undefined>): Predecessor | null {
    const text = env[HANDOVER_VARIABLE];
    Reflect.deleteProperty(env, HANDOVER_VARIABLE);
    // Without the channel it is a leftover in somebody's shell. Only a daemon of ours writes it.
    return text === undefined || text === '' || process.send === undefined ? null : new Predecessor(JSON.parse(text) as Handover);
  }

  get pid(): number {
    return this.#handover.pid;
  }

  get sockets(): readonly HandedSocket[] {
    return this.#handover.sockets;
  }

  /** Those that a service manager had passed. */
  passed(role: 'port' | 'admin'): readonly HandedSocket[] {
    return passedFor(role, this.sockets);
  }

  /** The pid of the daemon to replace in that runtime folder; null when it has another one. */
  in(folder: string): number | null {
    return this.#handover.folder === folder ? this.#handover.pid : null;
  }

  /** Resolves when it may be replaced: it consents, or it has died. */
  get consent(): Promise<Consent> {
    return this.#consent.promise;
  }

  get isGone(): boolean {
    return !process.connected;
  }

  /** Resolves when it has ended. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  started(startTimeout: number): void {
    this.#send({ type: 'started', node: process.version, startTimeout });
  }

  ready(): void {
    this.#send({ type: 'ready' });
  }

  /** @param kept descriptors of those sockets that serve here; the others are closed */
  tookOver(kept: readonly number[]): void {
    for (const { fd } of this.sockets) if (!kept.includes(fd)) discard(fd);
    this.#send({ type: 'took-over', kept });
  }

  announced(): void {
    this.#send({ type: 'announced' });
  }

  hurry(cause: string): void {
    this.#send({ type: 'hurry', cause });
  }

  onStop(stop: (cause: string) => void): void {
    this.#onStop = stop;
    if (this.#stop !== null) stop(this.#stop);
  }

  /** Resolves when it has been told why it is to serve on. */
  failed(error: DaemonError): Promise<void> {
    return new Promise((resolve) => this.#send({ type: 'failed', error: error.toData() }, resolve));
  }

  /** Says nothing more, and keeps this process from ending no longer. */
  close(): void {
    if (process.connected) process.disconnect();
  }

  #stopped(cause: string): void {
    this.#stop = cause;
    this.#onStop?.(cause);
  }

  #send(message: FromSuccessor, sent: () => void = () => undefined): void {
    if (process.connected) process.send?.(message, undefined, undefined, () => sent());
    else sent();
  }
}

function discard(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // A reload has closed it meanwhile.
  }
}
