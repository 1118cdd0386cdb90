/** Runs in the primary. What is being looked at in a worker, and how long it may be silent meanwhile; pure. */
export type Inspection =
  /** A debugger may hold it at a breakpoint for as long as a person thinks. */
  | { readonly type: 'inspector'; readonly url: string; readonly until: number }
  /** The worker stands still while it writes. */
  | { readonly type: 'snapshot'; readonly file: string; readonly until: number };

/** As `status` says it. */
export function describeInspection(inspection: Inspection | null): string {
  if (inspection === null) return '';
  return inspection.type === 'inspector' ? `inspector open at ${inspection.url}` : `writing a heap snapshot to ${inspection.file}`;
}
