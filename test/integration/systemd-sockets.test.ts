// The port held by systemd: a restart of the daemon lets connections wait.
import assert from 'node:assert/strict';
import { createServer, connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { GrpcJsProbe } from '../support/probe.js';
import { ADMIN_SOCKET, noSystemd, SOCKET, Systemd, UNIT } from '../support/systemd.js';

const skip = noSystemd;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The error code of a connection attempt, or null. */
function tryToConnect(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
  });
}

/** The socket unit started, on a free port of loopback. */
async function withSocket(): Promise<{ systemd: Systemd; port: number }> {
  const port = await freePort();
  const systemd = await Systemd.start({ dropIns: { 'grpcserverd@.socket': `[Socket]\nListenStream=\nListenStream=127.0.0.1:${port}\n` } });
  await systemd.systemctl('start', SOCKET);
  return { systemd, port };
}

test('the first connection starts the daemon, which serves the socket instead of its port', { skip }, async () => {
  const { systemd, port } = await withSocket();
  await using _ = systemd;
  assert.equal(await systemd.show('ActiveState'), 'inactive');
  await using probe = new GrpcJsProbe(`127.0.0.1:${port}`);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK', systemd.text);
  const said = systemd.events('daemon.sockets-passed')[0];
  assert.deepEqual([said?.sockets, said?.instead], [[`grpc: 127.0.0.1:${port}`], '127.0.0.1:0']);
});

test('a restart under load refuses no connection and fails no call', { skip }, async () => {
  const { systemd, port } = await withSocket();
  await using _ = systemd;
  const probes = Array.from({ length: 4 }, () => new GrpcJsProbe(`127.0.0.1:${port}`));
  const loads = probes.map((probe) => probe.load('Probe/Sleep', { ms: 10 }, 4, { timeoutMs: 20_000 }));
  await systemd.until(Promise.all(loads.map(({ loading }) => loading)), 'the first answers');
  const refused: string[] = [];
  let attempts = 0;
  const restarted = new AbortController();
  const knocking = (async () => {
    while (!restarted.signal.aborted) {
      const error = await tryToConnect(port);
      attempts += 1;
      if (error !== null) refused.push(error);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const pid = await systemd.show('MainPID');
  await systemd.systemctl('restart', UNIT);
  assert.notEqual(await systemd.show('MainPID'), pid);
  // From a connection of its own, so that the new one has answered.
  await using late = new GrpcJsProbe(`127.0.0.1:${port}`);
  assert.equal((await late.call('Probe/Echo')).code, 'OK', systemd.text);
  restarted.abort();
  await knocking;
  const tallies = await systemd.until(Promise.all(loads.map((load) => load.stop())), 'the last answers');
  for (const probe of probes) await probe[Symbol.asyncDispose]();
  assert.deepEqual(refused, [], `of ${attempts} connections`);
  assert(attempts > 20, `${attempts} connections`);
  assert.deepEqual(tallies.filter(({ calls, codes }) => codes.OK !== calls), [], systemd.text);
});

test('connections wait while a killed daemon is started again', { skip }, async () => {
  const { systemd, port } = await withSocket();
  await using _ = systemd;
  await systemd.systemctl('start', UNIT);
  await systemd.systemctl('kill', '-s', 'KILL', '--kill-who=main', UNIT);
  await using probe = new GrpcJsProbe(`127.0.0.1:${port}`);
  const answer = await systemd.until(probe.call('Probe/Echo', {}, { timeoutMs: 15_000 }), 'an answer of the next one');
  assert.equal(answer.code, 'OK', systemd.text);
});

test('the page of metrics on a socket of its own starts the daemon, and waits through a restart', { skip }, async () => {
  const [port, adminPort] = [await freePort(), await freePort()];
  const listen = (at: number): string => `[Socket]\nListenStream=\nListenStream=127.0.0.1:${at}\n`;
  await using systemd = await Systemd.start({ dropIns: { 'grpcserverd@.socket': listen(port), 'grpcserverd-admin@.socket': listen(adminPort) } });
  await systemd.systemctl('start', SOCKET, ADMIN_SOCKET);
  const page = async (path: string): Promise<string> => {
    const response = await systemd.until(fetch(`http://127.0.0.1:${adminPort}${path}`), `an answer of ${path}`);
    return `${response.status} ${await response.text()}`;
  };
  // Which of the two units passes its socket first is systemd's choice.
  assert.match(await page('/livez'), /^200 alive/);
  await systemd.systemctl('start', UNIT);
  await using probe = new GrpcJsProbe(`127.0.0.1:${port}`);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK', systemd.text);
  assert.match(await page('/metrics'), /grpc_server_handled_total\{.*grpc_method="Echo",grpc_code="OK"\} 1/);
  assert.deepEqual(systemd.events('daemon.sockets-passed')[0]?.sockets, [`grpc: 127.0.0.1:${port}`]);
  assert.deepEqual(systemd.events('admin.listening').map(({ address }) => address), [`127.0.0.1:${adminPort}`]);
  const restarting = systemd.systemctl('restart', UNIT);
  const answers = [];
  for (let count = 0; count < 5; count += 1) answers.push(await page('/livez'));
  await restarting;
  answers.push(await page('/readyz'));
  assert.deepEqual(answers.filter((answer) => !answer.startsWith('200')), [], systemd.text);
});
