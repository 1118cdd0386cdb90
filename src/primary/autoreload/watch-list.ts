/** Runs in the primary. Which files autoreload watches, and which folders it must look into to see them; pure. */
import { dirname } from 'node:path';
import type { Config } from '../../config/options.js';
import { matchesPattern, patternBase } from './path-pattern.js';

/** Where nobody keeps what he edits, and where there is a great deal of it. */
const LEFT_OUT = /\/(?:node_modules|\.git)(?:\/|$)/;

/** The files that the settings themselves name. */
export function configuredFiles(config: Config, configFile: string | null): string[] {
  const modules = [...config.servicers, ...config.interceptors, ...config.preload].map(({ module }) => module).filter((module) => module.startsWith('/'));
  const certificates = Object.values(config.certificates).flatMap((source) => (source !== null && 'path' in source ? [source.path] : []));
  const signatures = Object.values(config.signatureData).flatMap((value) => ('file' in value ? [value.file] : []));
  return [...(configFile === null ? [] : [configFile]), ...modules, ...certificates, ...signatures];
}

export class WatchList {
  /** By path. */
  readonly files: ReadonlySet<string>;
  readonly #folders = new Set<string>();
  readonly #includes: readonly string[];
  readonly #isIncluded: (path: string) => boolean;
  readonly #isExcluded: (path: string) => boolean;

  /** @param files absolute paths; those that `watch.exclude` names are dropped */
  constructor(files: Iterable<string>, watch: Config['watch']) {
    this.#includes = watch.include.map(patternBase);
    this.#isIncluded = anyOf(watch.include);
    this.#isExcluded = anyOf(watch.exclude);
    this.files = new Set([...files].filter((path) => !this.#isExcluded(path)).sort());
    for (const path of [...this.files, ...this.#includes]) this.#addAncestors(path);
  }

  /** The paths that must be watched for it all: each file, and each place of an include. */
  get targets(): string[] {
    return [...this.files, ...this.#includes];
  }

  hasFile(path: string): boolean {
    return this.files.has(path) || (this.#isIncluded(path) && !this.#isExcluded(path) && !LEFT_OUT.test(path));
  }

  /** Whether watched files may be below. */
  needsFolder(path: string): boolean {
    if (this.#folders.has(path)) return true;
    const isBelow = this.#includes.some((base) => path === base || path.startsWith(`${base}/`));
    return isBelow && !this.#isExcluded(path) && !LEFT_OUT.test(path);
  }

  /** The watched files below a folder that has come or gone; those of an include are found by looking. */
  filesBelow(folder: string): string[] {
    return this.#folders.has(folder) ? [...this.files].filter((path) => path.startsWith(`${folder}/`)) : [];
  }

  #addAncestors(path: string): void {
    for (let folder = dirname(path); !this.#folders.has(folder); folder = dirname(folder)) this.#folders.add(folder);
  }
}

function anyOf(patterns: readonly string[]): (path: string) => boolean {
  const matchers = patterns.map(matchesPattern);
  return (path) => matchers.some((matches) => matches(path));
}
