/** Runs in workers and in the inspector: xds.service.orca.v3, which tells clients the load of the whole server (gRFC A51). */
import { Server, ServerMetricRecorder, type ServerWritableStream, type ServiceDefinition } from '@grpc/grpc-js';
import type { LoadReport } from '../../ipc/load-report.js';
import type { BuiltInService } from './built-in-service.js';

export interface LoadReports extends BuiltInService {
  /** The newest figures of the whole server; clients get them when their interval is over. */
  setReport(report: LoadReport): void;
}

/** When the client names no interval, and the shortest and the longest that it gets, in milliseconds. */
const DEFAULT_INTERVAL = 30_000;
const MIN_INTERVAL = 1000;
/** What timers take. */
const MAX_INTERVAL = 2 ** 31 - 1;

/** xds.service.orca.v3.OrcaLoadReportRequest, as far as it matters here. */
interface ReportRequest {
  readonly report_interval: { readonly seconds: string | number; readonly nanos: number } | null;
}

type ReportStream = ServerWritableStream<ReportRequest, ReturnType<typeof toOrca>>;

/** A report at once, or as soon as there are figures, and one after each interval. Streams end only from outside. */
export function createLoadReports(): LoadReports {
  let newest: ReturnType<typeof toOrca> | null = null;
  /** Streams that came before there were figures. */
  const waiting = new Set<() => void>();
  const StreamCoreMetrics = (call: ReportStream): void => {
    let timer: NodeJS.Timeout | undefined;
    const tell = (): void => {
      // A client that does not read now gets a new report when it does, not all the old ones.
      if (newest !== null && !call.writableNeedDrain) call.write(newest);
    };
    const begin = (): void => {
      timer = setInterval(tell, intervalOf(call.request));
      tell();
    };
    if (newest === null) waiting.add(begin);
    else begin();
    call.on('cancelled', () => {
      clearInterval(timer);
      waiting.delete(begin);
    });
  };
  return {
    definition: orcaDefinition(),
    implementation: { StreamCoreMetrics },
    setReport(report) {
      newest = toOrca(report);
      for (const begin of waiting) begin();
      waiting.clear();
    },
  };
}

/** In milliseconds. */
function intervalOf({ report_interval: interval }: ReportRequest): number {
  if (interval === null) return DEFAULT_INTERVAL;
  const ms = Number(interval.seconds) * 1000 + interval.nanos / 1e6;
  return ms === 0 ? DEFAULT_INTERVAL : Math.min(Math.max(MIN_INTERVAL, ms), MAX_INTERVAL);
}

/** As xds.data.orca.v3.OrcaLoadReport. */
function toOrca({ cpu, memory, eventLoop, calls, application, callsPerSecond, errorsPerSecond, workers, inFlight }: LoadReport) {
  return {
    cpu_utilization: cpu,
    mem_utilization: memory,
    application_utilization: application,
    rps_fractional: callsPerSecond,
    eps: errorsPerSecond,
    utilization: { event_loop: eventLoop, ...(calls === null ? {} : { calls }) },
    named_metrics: { 'grpcserverd.workers': workers, 'grpcserverd.inflight_rpcs': inFlight },
  };
}

/** grpc-js has the .proto and gives it to a server only; what it would answer itself is the load of one process. */
class DefinitionTaker extends Server {
  definition: ServiceDefinition = {};

  override addService(definition: ServiceDefinition): void {
    this.definition = definition;
  }
}

function orcaDefinition(): ServiceDefinition {
  // It never listens, so it is nothing that channelz should tell of.
  const taker = new DefinitionTaker({ 'grpc.enable_channelz': 0 });
  new ServerMetricRecorder().addToServer(taker);
  return taker.definition;
}
