// Time from the start of the process to the first answered call, of a daemon with two workers and of a bare server.
// The client tries to connect from the beginning, so it waits for nothing but the server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { formatSpread, inTurn, printTable } from './support/figures.js';
import { freePort } from './support/free-port.js';
import { call, connect } from './support/http2-client.js';
import { startBare, startDaemon } from './support/servers.js';

const PAIRS = 9;
const WORKERS = 2;
/** Between two attempts to connect, in milliseconds. */
const RETRY = 2;
const TIMEOUT = 30_000;

export async function run() {
  const [node, bare, daemon] = await inTurn(PAIRS, [nodeAlone, () => timed(startBare), () => timed(startDaemon)], (measure) => measure());
  console.log(`Milliseconds since the start, ${PAIRS} starts each, alternated`);
  printTable(
    ['start', 'node -e 0', 'bare: answer', 'daemon: listens', 'first worker ready', 'answer', 'all ready', 'answer, daemon to bare'],
    daemon.map((start, index) => [
      index + 1,
      ...[node[index], bare[index].answer, start.listens, start.firstReady, start.answer, start.allReady].map((ms) => ms.toFixed(0)),
      (start.answer / bare[index].answer).toFixed(2),
    ]),
  );
  console.log(`\nto the first answer, median (min-max): bare ${formatSpread(bare.map(({ answer }) => answer), 0)} ms, `
    + `daemon with ${WORKERS} workers ${formatSpread(daemon.map(({ answer }) => answer), 0)} ms, `
    + `ratio ${formatSpread(daemon.map(({ answer }, index) => answer / bare[index].answer), 2)}`);
}

async function nodeAlone() {
  const since = Date.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return Date.now() - since;
}

async function timed(start) {
  const port = await freePort();
  const since = Date.now();
  const [server, answer] = await Promise.all([start({ port, workers: WORKERS }), firstAnswer(port, since)]);
  await server.stop();
  if (server.log === undefined) return { answer };
  const when = (event) => Date.parse(server.log.find((record) => record.event === event).time) - since;
  return { answer, listens: when('daemon.listening'), firstReady: when('worker.ready'), allReady: when('daemon.ready') };
}

async function firstAnswer(port, since) {
  while (Date.now() - since < TIMEOUT) {
    const session = await connect(port).catch(() => null);
    if (session !== null) {
      await call(session, 'Callback');
      const answer = Date.now() - since;
      session.close();
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
  throw new Error(`no answer on port ${port} within ${TIMEOUT} ms`);
}
