/**
 * Runs in the primary. The patterns of watch.include and watch.exclude: `*` is anything but a slash, `?` one such
 * character, `**` any number of folders; a path without any of them is a file or a folder with all that is in it.
 */

/** The folder, or without wildcards the path itself, below which everything is that a pattern can mean. */
export function patternBase(pattern: string): string {
  const wild = pattern.search(/[*?]/);
  return wild === -1 ? pattern : pattern.slice(0, Math.max(1, pattern.lastIndexOf('/', wild)));
}

/** @param pattern absolute */
export function matchesPattern(pattern: string): (path: string) => boolean {
  const source = pattern.replace(/\*\*\/|\*\*|[*?]|[\\^$.|+()[\]{}]/g, (token) => {
    switch (token) {
      case '**/':
        return '(?:[^/]+/)*';
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      default:
        return `\\${token}`;
    }
  });
  const whole = new RegExp(`^${source}(?:/.*)?$`);
  return (path) => whole.test(path);
}
