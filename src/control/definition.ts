/** The control API as both ends use it: its definition for grpc-js and the shapes of its messages. */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { LimitCounts } from '../shared/client-limits.js';

export interface PrimaryStatus {
  readonly pid: number;
  readonly generation: number;
  readonly uptimeSeconds: number;
  readonly configFile: string;
}

export interface CallInfo {
  readonly method: string;
  readonly peer: string;
  readonly ageMs: number;
}

export interface WorkerStatus {
  readonly slot: number;
  readonly pid: number;
  readonly state: string;
  readonly generation: number;
  readonly uptimeSeconds: number;
  readonly restarts: number;
  readonly connections: number;
  readonly inFlight: number;
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly p99Ms: number;
  readonly eventLoopDelayMs: number;
  readonly eventLoopUtilization: number;
  readonly rssBytes: number;
  readonly cause: string;
  readonly oldestCall: CallInfo | null;
  readonly secondsLeft: number;
  readonly heartbeatAgeSeconds: number;
  readonly admitted: boolean;
  readonly inspection: string;
  readonly limits: LimitCounts;
}

/** A process that owns connections of clients and gives each of their calls to a worker. */
export interface RouterStatus {
  readonly index: number;
  readonly pid: number;
  readonly state: string;
  readonly uptimeSeconds: number;
  readonly restarts: number;
  readonly connections: number;
  readonly links: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly calls: number;
  readonly callsPerSecond: number;
  readonly bufferedBytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly lost: number;
  readonly broken: number;
  readonly limits: LimitCounts;
  readonly faults: Readonly<Record<string, number>>;
  readonly refused: number;
}

export type Health = 'starting' | 'healthy' | 'degraded' | 'stopping';
export type ReloadStage = 'checking' | 'canary' | 'starting' | 'draining';
export type ReloadVerdict = 'done' | 'refused' | 'rolled-back' | 'halted' | 'pre-empted';

export interface ReloadProgress {
  readonly stage: ReloadStage;
  readonly cause: string;
  readonly generation: number;
  readonly workers: readonly WorkerStatus[];
}

export interface DrainedWorker {
  readonly slot: number;
  readonly generation: number;
  readonly tookMs: number;
  readonly finished: number;
  readonly cut: readonly CallInfo[];
}

export interface ReloadReport {
  readonly verdict: ReloadVerdict;
  readonly cause: string;
  readonly generation: number;
  readonly endedAt: number;
  readonly tookMs: number;
  readonly error: string;
  readonly hint: string;
  readonly code: string;
  readonly drained: readonly DrainedWorker[];
  readonly restartRequired: readonly string[];
}

export interface Status {
  readonly name: string;
  readonly version: string;
  readonly health: Health;
  readonly primary: PrimaryStatus;
  readonly goal: { readonly workers: number; readonly generation: number; readonly source: GoalSource };
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  readonly services: readonly string[];
  readonly workers: readonly WorkerStatus[];
  readonly problems: readonly string[];
  readonly lastReload: ReloadReport | null;
  readonly reload: ReloadProgress | null;
  readonly restartRequired: readonly string[];
  readonly certificate: CertificateStatus | null;
  readonly routers: readonly RouterStatus[];
}

/** The server's certificate, as connections that come now get it. */
export interface CertificateStatus {
  readonly subject: string;
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
  /** When the first certificate of its chain expires, in milliseconds since the epoch. */
  readonly expiresAt: number;
  /** "expires on ..., in 5 days", "expired on ...", or empty when that is 30 days off or more. */
  readonly warning: string;
}

/** An order to look into the worker of a slot. */
export interface InspectOrder {
  readonly slot: number;
  /** Absolute path of the file to write; empty to open or close the inspector. */
  readonly heapSnapshot: string;
  /** No new calls for the worker until the inspector is closed or the snapshot is written. */
  readonly withdraw: boolean;
  readonly close: boolean;
}

export interface InspectResult {
  readonly pid: number;
  /** ws:// address of the inspector, or the path of the snapshot; empty once closed. */
  readonly result: string;
}

/** What to run as the next daemon; absolute paths. */
export interface UpgradeOrder {
  readonly node: string;
  readonly program: string;
}

export type UpgradeStage = 'checking' | 'starting' | 'taking-over' | 'draining';
export type UpgradeVerdict = 'done' | 'refused' | 'failed' | 'pre-empted';

export interface UpgradeProgress {
  readonly stage: UpgradeStage;
  /** Of the new daemon; 0 and empty while they are not known. */
  readonly pid: number;
  readonly version: string;
  readonly node: string;
}

export interface UpgradeReport {
  readonly verdict: UpgradeVerdict;
  /** Of the daemon that serves now. */
  readonly pid: number;
  readonly version: string;
  readonly node: string;
  readonly tookMs: number;
  /** Calls that the old daemon had to cut. */
  readonly cut: number;
  readonly error: string;
  readonly hint: string;
  readonly code: string;
  readonly detail: string;
}

/** Who said how many workers there shall be. */
export type GoalSource = 'config' | 'scale' | 'elastic';

let control: ServiceClientConstructor | null = null;

/** The Control service: its `service` for a server, itself for a client. Loaded once, when first asked for. */
export function controlService(): ServiceClientConstructor {
  if (control !== null) return control;
  const definition = loadSync(fileURLToPath(new URL('control.proto', import.meta.url)), {
    defaults: true,
    longs: Number,
    arrays: true,
    objects: true,
  });
  const root = loadPackageDefinition(definition) as unknown as {
    grpcserverd: { control: { v1: { Control: ServiceClientConstructor } } };
  };
  control = root.grpcserverd.control.v1.Control;
  return control;
}
