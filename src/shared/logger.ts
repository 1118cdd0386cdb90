import { createRequire } from 'node:module';
import { pino, type Logger } from 'pino';
import { EVENTS, type Emit } from './events.js';
import { LogSink } from './log-sink.js';

export interface LoggerOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
  /** File descriptor of the daemon's standard output. */
  readonly fd: number;
  /** Said on every line: role, and for a worker slot and generation. */
  readonly identity: Readonly<Record<string, string | number>>;
}

export interface DaemonLogger {
  readonly log: Logger;
  readonly emit: Emit;
}

/** A pino logger bound to one process, and the function that logs the events of `EVENTS`. */
export function createLogger({ level, format, fd, identity }: LoggerOptions): DaemonLogger {
  const sink = new LogSink(fd);
  const log = pino(
    {
      level,
      base: { ...identity, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    format === 'pretty' ? prettyStream(sink) : sink,
  );
  const emit: Emit = (name, fields, as) => {
    log[as ?? EVENTS[name].level]({ event: name, ...fields });
    // Said when lines get through again, or the report would be lost with the rest.
    if (sink.isFailing) return;
    const dropped = sink.takeDropped();
    if (dropped.lines > 0) log.warn({ event: 'log.dropped', ...dropped });
  };
  return { log, emit };
}

/** `auto` means people read it when it goes to a terminal, and programs otherwise. */
export function resolveLogFormat(format: 'auto' | 'json' | 'pretty', isTerminal: boolean): 'json' | 'pretty' {
  return format === 'auto' ? (isTerminal ? 'pretty' : 'json') : format;
}

/** One readable line an event. pino-pretty is loaded only when somebody looks. */
function prettyStream(sink: LogSink): { write(line: string): void } {
  const require = createRequire(import.meta.url);
  const { prettyFactory } = require('pino-pretty') as typeof import('pino-pretty');
  const format = prettyFactory({
    colorize: process.env.NO_COLOR === undefined && (process.stdout.isTTY || process.env.FORCE_COLOR !== undefined),
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'role,pid,slot,generation,event,worker,name',
    messageFormat: (line) => describe(line),
    singleLine: true,
  });
  return {
    write(line) {
      const text = format(line) as string | undefined;
      if (text !== undefined) sink.write(text);
    },
  };
}

function describe(line: Record<string, unknown>): string {
  const { role, slot, generation, event, msg } = line as Record<string, string | number | undefined>;
  // Both halves speak of a worker; which of them wrote the line is in the JSON.
  const who = slot === undefined ? role : `worker ${slot} gen ${generation}`;
  return [who, event, msg].filter((part) => part !== undefined).join('  ');
}
