/** Calls by which clients and load balancers look at the server instead of using it: they are no load, and no work that a drain waits for. */

const SERVICES = ['/grpc.health.v1.Health/', '/xds.service.orca.v3.OpenRcaService/'];

/**
 * Streams that never end by themselves; whoever reads one has to ask another worker anyway when this one leaves.
 * Paths, as `/pkg.Svc/Method`.
 */
export const ENDLESS_CALLS: ReadonlySet<string> = new Set(['/grpc.health.v1.Health/Watch', '/xds.service.orca.v3.OpenRcaService/StreamCoreMetrics']);

/** @param path `/pkg.Svc/Method` */
export function isObserving(path: string): boolean {
  return SERVICES.some((prefix) => path.startsWith(prefix));
}
