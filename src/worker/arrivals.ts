/**
 * Runs in a worker. Where calls come from: client connections (src/front/intake.ts), or links of routers
 * (link-server.ts). A drain waits until nothing comes from there any more.
 */
export interface Arrivals {
  /** Those that are open. */
  readonly connections: number;
  /** When the youngest came, on the clock of performance.now(); -Infinity when its age does not matter. */
  readonly youngest: number;
  /** Called whenever the last one has closed. */
  onEmpty: () => void;
  /** Ends all of them at once. */
  destroyAll(): void;
}
