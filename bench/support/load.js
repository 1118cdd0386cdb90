// The load: small unary calls as fast as the server answers, from another process. By h2load where it is installed
// (Debian: nghttp2-client), for it takes little of the CPU that the server needs; by node:http2 elsewhere.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ANSWER_LENGTH, REQUEST, countAnswered } from './http2-client.js';
import { cpuTime } from './process-usage.js';

const CONNECTIONS = 4;
/** Calls in flight on each. */
const STREAMS = 16;

const run = promisify(execFile);
const hasH2load = spawnSync('h2load', ['--version']).status === 0;
export const LOAD = `${hasH2load ? 'h2load' : 'node:http2'}, ${CONNECTIONS} connections with ${STREAMS} calls in flight each`;

/**
 * Makes that many calls of a method and returns the microseconds of CPU per call that each process of the server
 * took. Throws unless every call was answered with a message, by a handler.
 */
export async function load(server, method, calls) {
  const pids = { serving: server.serving, primary: server.primary };
  const answered = await countAnswered(server.port);
  const before = times(pids);
  await (hasH2load ? h2load : nodeLoad)(server.port, method, calls);
  const after = times(pids);
  const counted = (await countAnswered(server.port)) - answered;
  if (counted !== calls) throw new Error(`the handlers answered ${counted} of ${calls} calls`);
  return Object.fromEntries(Object.keys(before).map((name) => [name, (after[name] - before[name]) / calls]));
}

const times = (pids) => Object.fromEntries(Object.entries(pids).filter(([, pid]) => pid !== undefined).map(([name, pid]) => [name, cpuTime(pid)]));

let body;

async function h2load(port, method, calls) {
  if (body === undefined) {
    body = join(mkdtempSync(join(tmpdir(), 'grpcserverd-bench-')), 'body');
    writeFileSync(body, REQUEST);
  }
  const { stdout } = await run('h2load', [
    '-n', String(calls), '-c', String(CONNECTIONS), '-m', String(STREAMS), '-d', body,
    '-H', 'content-type: application/grpc', '-H', 'te: trailers', `http://127.0.0.1:${port}/bench.Bench/${method}`,
  ]);
  if (!stdout.includes(` ${calls} succeeded`) || !stdout.includes(`(${calls * ANSWER_LENGTH}) data`)) {
    throw new Error(`not every call was answered with a message:\n${stdout}`);
  }
}

function nodeLoad(port, method, calls) {
  const program = fileURLToPath(new URL('http2-load.js', import.meta.url));
  return run(process.execPath, [program, String(port), method, String(calls), String(CONNECTIONS), String(STREAMS)]);
}
