// What the worker's chain costs: CPU of a server process for each unary call, bare grpc-js against the same handlers
// with one part more at a time. Needs a build and h2load (Debian: nghttp2-client).
//   node bench/guard.js [rounds=9] [calls=6000]
// Every round runs all variants, each in a new process (V8 does not optimize the same code alike twice), in an order
// that rotates; a ratio compares two runs of one round, so that what else the machine does weighs on both.
import { execFileSync, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { callContext } from '../dist/worker/calls/call-context.js';
import { assembleInterceptors } from '../dist/worker/calls/assemble-interceptors.js';
import { CallLimit } from '../dist/worker/calls/call-limit.js';
import { CallRegistry } from '../dist/worker/calls/call-registry.js';
import { guardHandler } from '../dist/worker/calls/guard.js';
import { createSignature } from '../dist/worker/calls/signature.js';

const SIGNATURE = ['x-signature', 'a-shared-secret'];
const PARTS = ['bare', '+ accounting', '+ guard', '+ context', '+ limit + signature'];

const { bench } = grpc.loadPackageDefinition(protoLoader.fromJSON({
  nested: {
    bench: {
      nested: {
        Greeter: { methods: { SayHello: { requestType: 'Hello', responseType: 'Hello' } } },
        Hello: { fields: { text: { type: 'string', id: 1 } } },
      },
    },
  },
}));

const answer = ({ request }) => ({ text: `Hello ${request.text}` });
const later = async (value) => value;
const HANDLERS = {
  callback: (call, callback) => callback(null, answer(call)),
  async: async (call, callback) => {
    const name = await later(call.request.text);
    const text = await later(`Hello ${name}`);
    callback(null, await later({ text }));
  },
};

/** In the child: serves, and tells its CPU time when asked. */
function serve(kind, part) {
  const has = (name) => PARTS.indexOf(part) >= PARTS.indexOf(name);
  const server = new grpc.Server();
  if (has('+ guard')) {
    const register = server.register.bind(server);
    server.register = (name, handler, serialize, deserialize, type) =>
      register(name, guardHandler(type, handler), serialize, deserialize, type);
  }
  if (!has('+ context')) callContext.run = (_call, deliver, ...args) => deliver(...args);
  server.addService(bench.Greeter.service, { SayHello: HANDLERS[kind] });
  const { accounting } = new CallRegistry({ report: ({ error }) => console.error(error) });
  const isFull = has('+ limit + signature');
  const interceptors = assembleInterceptors({
    accounting,
    limit: isFull ? new CallLimit(10_000).interceptor : null,
    signature: isFull
      ? createSignature({
          signature: true,
          authentication: 'ssl',
          signatureData: { [SIGNATURE[0]]: { values: [SIGNATURE[1]] } },
          signatureExempt: [],
        })
      : null,
    user: [],
  });
  const insecure = grpc.ServerCredentials.createInsecure();
  const credentials = has('+ accounting')
    ? grpc.experimental.createServerCredentialsWithInterceptors(insecure, interceptors)
    : insecure;
  server.bindAsync('127.0.0.1:0', credentials, (_error, port) => process.send({ port }));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send({ cpu: user + system });
  });
  process.on('disconnect', () => process.exit());
}

const ask = (child) => new Promise((resolve) => {
  child.once('message', resolve);
  child.send('cpu');
});

async function main(rounds, calls) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const body = join(folder, 'body');
  // A gRPC message: no compression, 7 bytes, field 1 is "world".
  writeFileSync(body, Buffer.from([0, 0, 0, 0, 7, 10, 5, ...Buffer.from('world')]));
  const variants = Object.keys(HANDLERS).flatMap((kind) => PARTS.map((part) => ({ kind, part, micros: [] })));
  for (let round = 0; round < rounds; round += 1) {
    for (let i = 0; i < variants.length; i += 1) {
      const variant = variants[(i + round) % variants.length];
      variant.micros.push(await measure(variant, body, calls));
    }
  }
  rmSync(folder, { recursive: true });
  print(variants, rounds);
}

/** Microseconds of CPU a call, of a new server that has been warmed up. */
async function measure({ kind, part }, body, calls) {
  const child = fork(fileURLToPath(import.meta.url), ['serve', kind, part]);
  const { port } = await new Promise((resolve) => child.once('message', resolve));
  load(port, body, 2 * calls);
  const before = (await ask(child)).cpu;
  load(port, body, calls);
  const used = (await ask(child)).cpu - before;
  child.disconnect();
  return used / calls;
}

function load(port, body, calls) {
  const output = execFileSync('h2load', [
    '-n', String(calls), '-c', '4', '-m', '16', '-d', body,
    '-H', 'content-type: application/grpc', '-H', 'te: trailers', '-H', SIGNATURE.join(': '),
    `http://127.0.0.1:${port}/bench.Greeter/SayHello`,
  ]).toString();
  if (!output.includes(`${calls} succeeded`)) throw new Error(output);
}

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const median = (numbers) => sorted(numbers)[Math.floor(numbers.length / 2)];

function print(variants, rounds) {
  console.log(`${rounds} rounds                 us/call: best  median    times bare: best    min  median     max`);
  for (const { kind, part, micros } of variants) {
    const bare = variants.find((variant) => variant.kind === kind && variant.part === 'bare').micros;
    const ratios = sorted(micros.map((value, round) => value / bare[round]));
    const best = Math.min(...micros);
    // The best runs are those that the rest of the machine disturbed least.
    const figures = [best / Math.min(...bare), ratios[0], median(ratios), ratios.at(-1)];
    console.log(
      `${kind.padEnd(9)} ${part.padEnd(22)} ${best.toFixed(1).padStart(6)} ${median(micros).toFixed(1).padStart(7)} ${' '.repeat(12)}` +
      figures.map((figure) => figure.toFixed(2).padStart(8)).join(''),
    );
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'serve') serve(...rest);
else await main(Number(first ?? 9), Number(rest[0] ?? 6000));
