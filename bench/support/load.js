// The load: small unary calls as fast as the server answers, from another process. By h2load where it is installed
// (Debian: nghttp2-client), for it takes little of the CPU that the server needs; by node:http2 elsewhere.
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ANSWER_LENGTH, REQUEST, countAnswered } from './http2-client.js';
import { cpuTime } from './process-usage.js';

const CONNECTIONS = '4';
/** Calls in flight on each. */
const STREAMS = '16';
const NODE_CLIENT = fileURLToPath(new URL('http2-load.js', import.meta.url));

const works = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const hasH2load = works('h2load', '--version');
const COUNTER = ['stat', '-x', ',', '-e', 'instructions:u'];
const hasCounter = works('perf', ...COUNTER, 'true');
const body = join(mkdtempSync(join(tmpdir(), 'grpcserverd-bench-')), 'body');
writeFileSync(body, REQUEST);
process.on('exit', () => rmSync(join(body, '..'), { recursive: true }));

export const LOAD = `${hasH2load ? 'h2load' : 'node:http2'}, ${CONNECTIONS} connections with ${STREAMS} calls in flight each`;

/**
 * Makes that many calls of a method, with these headers besides those of gRPC. Resolves, for each call, to the
 * microseconds of CPU that the `serving` process and the `primary` took, and to the `instructions` that the serving
 * one ran in user mode (NaN without Linux's perf), a figure that other work on the machine leaves alone. Rejects
 * unless a handler answered every call with a message.
 */
export async function load(server, method, calls, headers = {}) {
  const { port, serving, primary } = server;
  const answered = await countAnswered(port);
  const before = [serving, primary].map(cpuTime);
  const instructions = await run(serving, hasH2load ? h2load(port, method, calls, headers) : nodeClient(port, method, calls, headers), calls);
  const after = [serving, primary].map(cpuTime);
  const counted = (await countAnswered(port)) - answered;
  if (counted !== calls) throw new Error(`the handlers answered ${counted} of ${calls} calls`);
  return { serving: (after[0] - before[0]) / calls, primary: (after[1] - before[1]) / calls, instructions: instructions / calls };
}

/** Runs the load, and counts the instructions of the server meanwhile. */
async function run(pid, command, calls) {
  const [program, ...args] = hasCounter ? ['perf', ...COUNTER, '-p', String(pid), ...command] : command;
  const { stdout, stderr } = await promisify(execFile)(program, args);
  const isAnswered = stdout.includes(` ${calls} succeeded`) && stdout.includes(`(${calls * ANSWER_LENGTH}) data`);
  if (!isAnswered) throw new Error(`not every call was answered with a message:\n${stdout}`);
  return Number(/^(\d+),,instructions/m.exec(stderr)?.[1] ?? NaN);
}

function h2load(port, method, calls, headers) {
  const fields = Object.entries({ 'content-type': 'application/grpc', te: 'trailers', ...headers });
  return [
    'h2load', '-n', String(calls), '-c', CONNECTIONS, '-m', STREAMS, '-d', body,
    ...fields.flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    `http://127.0.0.1:${port}/bench.Bench/${method}`,
  ];
}

function nodeClient(port, method, calls, headers) {
  return [process.execPath, NODE_CLIENT, String(port), method, String(calls), CONNECTIONS, STREAMS, JSON.stringify(headers)];
}
