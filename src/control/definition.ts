/** The control API as both ends use it: its definition for grpc-js and the shapes of its messages. */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface PrimaryStatus {
  readonly pid: number;
  readonly generation: number;
  readonly uptimeSeconds: number;
  readonly configFile: string;
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
  readonly eventLoopDelayMs: number;
  readonly rssBytes: number;
  readonly cause: string;
}

export type Health = 'starting' | 'healthy' | 'degraded' | 'stopping';

export interface Status {
  readonly name: string;
  readonly version: string;
  readonly health: Health;
  readonly primary: PrimaryStatus;
  readonly goal: { readonly workers: number; readonly generation: number };
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  readonly services: readonly string[];
  readonly workers: readonly WorkerStatus[];
  readonly problems: readonly string[];
}

let control: ServiceClientConstructor | null = null;

/** The Control service: its `service` for a server, itself for a client. Loaded once, when first asked for. */
export function controlService(): ServiceClientConstructor {
  if (control !== null) return control;
  const definition = loadSync(fileURLToPath(new URL('control.proto', import.meta.url)), {
    defaults: true,
    longs: Number,
    arrays: true,
  });
  const root = loadPackageDefinition(definition) as unknown as {
    grpcserverd: { control: { v1: { Control: ServiceClientConstructor } } };
  };
  control = root.grpcserverd.control.v1.Control;
  return control;
}
