/** Runs in the browser. The colours of style.css for the canvases of the plots, as they are in the theme of now. */

export interface Theme {
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly lines: readonly string[];
  readonly fill: string;
  readonly severities: Readonly<Record<'info' | 'warning' | 'error', string>>;
  readonly font: string;
}

/** Dashes tell lines apart where colours do not. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2.5], [8, 3, 2, 3]];

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('ink'),
    muted: colour('muted'),
    grid: colour('grid'),
    lines: DASHES.map((_, index) => colour(`line-${index + 1}`)),
    fill: colour('fill'),
    severities: { info: colour('muted'), warning: colour('warning'), error: colour('error') },
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
  };
}

/** Calls back when the reader changes from light to dark, or back. */
export function onThemeChange(callback: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', callback);
}
