/**
 * Between two primaries: the one that serves (src/primary/upgrade/upgrader.ts), and a newer one that it has started to
 * take its place (src/primary/upgrade/succession.ts). They are of different versions, so what is here is only added to.
 */
import type { ErrorData } from '../shared/errors.js';

/** Holds a `Handover` as JSON, in the environment of the new one. */
export const HANDOVER_VARIABLE = 'GRPCSERVERD_HANDOVER';

export interface Handover {
  /** Of the one that serves. */
  readonly pid: number;
  /** Its runtime folder. */
  readonly folder: string;
  readonly sockets: readonly HandedSocket[];
}

/** A socket that listens, and which the new one has as a descriptor of its own. */
export interface HandedSocket {
  readonly fd: number;
  /** `passed`: by a service manager, and wins over the config; `port` and `admin`: opened as the config had it. */
  readonly role: 'passed' | 'port' | 'admin';
  /** FileDescriptorName= of one that was passed; null when it has none. */
  readonly name: string | null;
  /** As the config had it. */
  readonly host: string;
  readonly port: number;
  /** host:port with the bound port, or unix:/path. */
  readonly address: string;
  /** null for unix sockets. */
  readonly boundPort: number | null;
}

export type FromSuccessor =
  /** Its config is valid; it has `startTimeout` milliseconds, twice, to become ready. */
  | { readonly type: 'started'; readonly node: string; readonly startTimeout: number }
  /** Its whole fleet serves, if only it had connections. */
  | { readonly type: 'ready' }
  /** It accepts, on `kept` of the descriptors; the runtime folder is its own. */
  | { readonly type: 'took-over'; readonly kept: readonly number[] }
  /** The service manager knows about it, if there is one: the old one may exit. */
  | { readonly type: 'announced' }
  | { readonly type: 'failed'; readonly error: ErrorData }
  /** It has been told to stop quickly, and waits for the old one. */
  | { readonly type: 'hurry'; readonly cause: string };

export type ToSuccessor =
  | { readonly type: 'take-over' }
  /** The old one was told to stop, too late to keep the new one from taking over. */
  | { readonly type: 'stop'; readonly cause: string };
