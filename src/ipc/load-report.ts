/** What the primary tells the workers about the whole server, for the clients that ask for load reports. */
export interface LoadReport {
  /** CPU time of workers and routers, as a share of what they may use: 0..1, and above with more workers than processors. */
  readonly cpu: number;
  /** Resident memory of the workers, as a share of what they may use: 0..1. */
  readonly memory: number;
  /** Mean utilisation of the event loops of the workers that are ready: 0..1. */
  readonly eventLoop: number;
  /** Calls in progress as a share of maximumConcurrentRpcs: 0..1; null without a cap. */
  readonly calls: number | null;
  /** How close the server is to the nearest of its limits: the highest of `cpu`, `eventLoop` and `calls`. */
  readonly application: number;
  /** Calls that ended a second, those that were refused included. */
  readonly callsPerSecond: number;
  /** Those of them that ended with a status for which the server is to blame. */
  readonly errorsPerSecond: number;
  /** Workers that are ready. */
  readonly workers: number;
  /** Calls in progress. */
  readonly inFlight: number;
}
