/** A controller that aborts when somebody wants this command to end: Ctrl-C, a kill, a terminal that is closed. */
export function untilInterrupted(): AbortController {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => controller.abort());
  return controller;
}
