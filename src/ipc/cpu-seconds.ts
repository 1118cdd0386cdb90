/** What this process has computed since its start, all threads together, in seconds; for heartbeats. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
