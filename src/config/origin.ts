import { relative } from 'node:path';

/** Where the value of an option came from. */
export type Origin =
  | { readonly source: 'default' }
  | { readonly source: 'file'; readonly path: string }
  | { readonly source: 'environment'; readonly variable: string }
  | { readonly source: 'flag'; readonly flag: string };

/** In a word or two, for messages and `config show --origin`. */
export function describeOrigin(origin: Origin, cwd: string): string {
  switch (origin.source) {
    case 'default':
      return 'default';
    case 'file':
      return displayPath(origin.path, cwd);
    case 'environment':
      return origin.variable;
    case 'flag':
      return origin.flag;
  }
}

/** The path as a person in `cwd` would write it: relative when the file is below, else absolute. */
export function displayPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') || cwd === '/' ? path : short;
}
