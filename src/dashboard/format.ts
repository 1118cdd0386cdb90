/** Figures as people read them; pure. A place that has none shows a dash. */

export const NONE = '–';

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 1,234 and, from 100,000 on, 123k and 1.2M. */
export function formatCount(count: number): string {
  if (count < 99_999.5) return GROUPED.format(count);
  if (count < 999_500) return `${(count / 1e3).toFixed(0)}k`;
  return count < 999.5e6 ? `${(count / 1e6).toFixed(1)}M` : `${(count / 1e9).toFixed(1)}G`;
}

/** Calls a second: with a decimal below 10. */
export const formatRate = (rate: number): string => (rate > 0 && rate < 9.95 ? rate.toFixed(1) : formatCount(rate));

/** 0.4 ms, 12 ms, 1.2 s, 3 m 10 s. */
export function formatMs(ms: number): string {
  if (ms === 0) return '0 ms';
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return ms < 99_950 ? `${(ms / 1000).toFixed(1)} s` : formatAge(ms / 1000);
}

/** Megabytes and gigabytes, of 1000. */
export const formatBytes = (bytes: number): string => (bytes < 999.5e6 ? `${(bytes / 1e6).toFixed(bytes > 0 && bytes < 9.95e6 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);

/** 75 seconds are 1 m 15 s: two units at most. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const units: readonly (readonly [string, number])[] = [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]];
  const first = units.findIndex(([, size]) => whole >= size);
  const [unit = '', size = 1] = units[first] ?? [];
  const [lower = '', lowerSize = 1] = units[first + 1] ?? [];
  return `${Math.floor(whole / size)} ${unit} ${Math.floor((whole % size) / lowerSize)} ${lower}`;
}

export const formatShare = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.0995 ? 1 : 0)} %`;

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const MINUTE = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short' });

/** 14:05:09, of this reader's time zone. */
export const formatClock = (at: number): string => CLOCK.format(at);
/** 14:05 */
export const formatMinute = (at: number): string => MINUTE.format(at);
/** 3 January 2027 at 14:05 CET */
export const formatDay = (at: number): string => DAY.format(at);

/** `one` or `many` of them, with the number before. */
export const count = (number: number, one: string, many = `${one}s`): string => `${formatCount(number)} ${number === 1 ? one : many}`;
