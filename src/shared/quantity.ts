/** Durations and sizes as people write them. Both parsers return undefined for anything else. */
const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, KB: 1e3, MB: 1e6, GB: 1e9 } as const;

/** Milliseconds of `"250ms"`, `"30s"`, `"1.5m"`. A number without a unit is refused, but for 0. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * DURATION_UNITS[match[2] as keyof typeof DURATION_UNITS]);
}

/** The shortest exact form: 90000 becomes `90s`, 60000 `1m`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % DURATION_UNITS[unit] === 0) return `${String(ms / DURATION_UNITS[unit])}${unit}`;
  }
  return `${String(ms)}ms`;
}

/** Bytes of `"4MiB"`, `"16KiB"`, `"1.5 GiB"`, `"1000"`. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|KB|MB|GB)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const wanted = (match[2] ?? 'B').toLowerCase();
  const unit = Object.entries(SIZE_UNITS).find(([name]) => name.toLowerCase() === wanted);
  return Math.round(Number(match[1]) * (unit?.[1] ?? 1));
}

/** The shortest exact form: 4194304 becomes `4MiB`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes !== 0 && bytes % SIZE_UNITS[unit] === 0) return `${String(bytes / SIZE_UNITS[unit])}${unit}`;
  }
  return `${String(bytes)}B`;
}
