/** Figures as people read them: a few characters each, so that a row of them fits on a screen. */

/** 75 seconds become `1m15s`. */
export function formatAge(seconds: number): string {
  const whole = Math.floor(seconds);
  const units: [string, number][] = [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1) return '0s';
  let rest = whole;
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 && unit !== units[first]?.[0] ? '' : `${count}${unit}`;
    })
    .join('');
}

/** A time of milliseconds up to minutes: `0.4ms`, `12ms`, `1.2s`, `3m10s`. */
export function formatTime(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 9.95) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${ms.toFixed(0)}ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)}s`;
  return formatAge(ms / 1000);
}

/** `7`, `9999`, `12.3k`, `123k`, `1.2M`. */
export function formatCount(count: number): string {
  if (count < 9999.5) return count.toFixed(0);
  if (count < 999_500) return `${(count / 1e3).toFixed(count < 99_950 ? 1 : 0)}k`;
  return `${(count / 1e6).toFixed(1)}M`;
}

/** Calls a second: `0.5`, `123`, `12.3k`. */
export function formatRate(rate: number): string {
  return rate > 0 && rate < 9.95 ? rate.toFixed(1) : formatCount(rate);
}

/** Megabytes and gigabytes, of 1000: `123M`, `1.2G`. */
export function formatBytes(bytes: number): string {
  return bytes < 999.5e6 ? `${(bytes / 1e6).toFixed(0)}M` : `${(bytes / 1e9).toFixed(1)}G`;
}
