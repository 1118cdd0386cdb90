import type { Readable } from 'node:stream';
import type { EventName } from '#src/shared/events.js';

/** A line of the daemon's JSON log. */
export interface LogRecord {
  readonly level: string;
  readonly event?: EventName;
  readonly role: string;
  readonly pid: number;
  /** Of the worker that the line is about, when the primary wrote it. */
  readonly worker?: number;
  readonly slot?: number;
  readonly generation?: number;
  readonly [field: string]: unknown;
}

/** Fields that must have these values, or any condition. */
export type Match = Readonly<Record<string, unknown>> | ((record: LogRecord) => boolean);

/** Reads what a daemon prints, and tells who waits for a line. */
export class DaemonLog {
  readonly records: LogRecord[] = [];
  /** Lines of stdout that are no JSON. */
  readonly strays: string[] = [];
  stderr = '';
  #text = '';
  readonly #waiting = new Set<() => void>();

  constructor(stdout: Readable, stderr: Readable) {
    let rest = '';
    stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.#text += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
    stdout.on('end', () => {
      if (rest !== '') this.strays.push(rest);
    });
    stderr.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk));
  }

  /** Everything that was printed, for the message of a failed test. */
  get text(): string {
    return `--- stdout\n${this.#text}--- stderr\n${this.stderr}---`;
  }

  /** All lines so far of that event which match. */
  all(event: EventName, match: Match = {}): LogRecord[] {
    return this.records.filter((record) => record.event === event && matches(record, match));
  }

  /** The `count`th line of that event which matches, be it past or yet to come. */
  async next(event: EventName, match: Match = {}, count = 1): Promise<LogRecord> {
    for (;;) {
      const found = this.all(event, match)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #take(line: string): void {
    const record = parse(line);
    if (record === undefined) {
      this.strays.push(line);
      return;
    }
    this.records.push(record);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function parse(line: string): LogRecord | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? (value as LogRecord) : undefined;
  } catch {
    return undefined;
  }
}

function matches(record: LogRecord, match: Match): boolean {
  return typeof match === 'function'
    ? match(record)
    : Object.entries(match).every(([field, value]) => record[field] === value);
}
