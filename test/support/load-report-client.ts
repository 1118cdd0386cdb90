import { Client, credentials, type StatusObject } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { codeName } from './open-call.js';
import { ROOT } from './paths.js';

/** xds.data.orca.v3.OrcaLoadReport */
export interface OrcaReport {
  readonly cpuUtilization: number;
  readonly memUtilization: number;
  readonly applicationUtilization: number;
  readonly rpsFractional: number;
  readonly eps: number;
  readonly utilization: Readonly<Record<string, number>>;
  readonly namedMetrics: Readonly<Record<string, number>>;
}

/** One stream of load reports on a connection of its own. */
export class LoadReportStream implements Disposable {
  readonly reports: OrcaReport[] = [];
  /** When each came, in milliseconds. */
  readonly times: number[] = [];
  /** How it ended. */
  readonly end: Promise<{ readonly code: string; readonly details: string }>;
  readonly #client: Client;
  readonly #cancel: () => void;

  /** @param seconds the interval asked for; null: none */
  constructor(address: string, seconds: number | null) {
    const definitions = loadSync(`${ROOT}test/fixtures/protos/orca.proto`, { defaults: true });
    const method = (definitions['xds.service.orca.v3.OpenRcaService'] as ServiceDefinition).StreamCoreMetrics;
    if (method === undefined) throw new Error('orca.proto has no StreamCoreMetrics');
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    const whole = Math.floor(seconds ?? 0);
    const request = seconds === null ? {} : { reportInterval: { seconds: whole, nanos: Math.round((seconds - whole) * 1e9) } };
    const call = this.#client.makeServerStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, request);
    // A stream emits an error besides its status; the status says it all.
    call.on('error', () => undefined);
    // What orca.proto says that it is.
    call.on('data', (report: OrcaReport) => {
      this.reports.push(report);
      this.times.push(performance.now());
    });
    this.end = new Promise((resolve) => call.on('status', ({ code, details }: StatusObject) => resolve({ code: codeName(code), details })));
    this.#cancel = () => call.cancel();
  }

  get newest(): OrcaReport | undefined {
    return this.reports.at(-1);
  }

  [Symbol.dispose](): void {
    this.#cancel();
    this.#client.close();
  }
}
