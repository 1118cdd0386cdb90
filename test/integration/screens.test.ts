// What a person sees on a terminal, on a real one: status --watch and top.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { BIN } from '../support/paths.js';
import { skipUnless } from '../support/peers.js';
import { HAS_PROC } from '../support/processes.js';
import { Terminal } from '../support/terminal.js';

const skip = skipUnless('pty');

const ENTERED = '\u001B[?1049h\u001B[?25l';
/** The last words on the alternate screen: lines wrap, the cursor is back, the main screen is back. */
const LEFT = '\u001B[?7h\u001B[?25h\u001B[?1049l';
const FOOTER = /q quit/;

async function top(daemon: Daemon, env?: NodeJS.ProcessEnv): Promise<Terminal> {
  const terminal = new Terminal(daemon, ['top'], env === undefined ? {} : { env });
  await terminal.shows(/default: healthy/);
  await terminal.shows(FOOTER);
  assert.ok(terminal.output.startsWith(ENTERED));
  return terminal;
}

/** It has ended like that, and the terminal is as it was. */
async function assertLeft(terminal: Terminal, code: number, lastWords = ''): Promise<void> {
  assert.deepEqual(await terminal.ended(), { code, settings: 'kept' });
  const [, after] = terminal.output.split(LEFT);
  assert.equal(after, lastWords, JSON.stringify(terminal.output.slice(-500)));
}

describe('top', { skip }, () => {
  for (const [how, leave] of [
    ['q', (terminal: Terminal) => terminal.type('q')],
    ['Ctrl-C', (terminal: Terminal) => terminal.type('\u0003')],
    ['SIGTERM', (terminal: Terminal) => terminal.signal('SIGTERM')],
  ] as const) {
    test(`leaves the terminal as it found it after ${how}`, async () => {
      await using daemon = await startDaemon();
      const terminal = await top(daemon);
      leave(terminal);
      await assertLeft(terminal, 0);
    });
  }

  test('leaves the terminal as it found it when it crashes', async () => {
    await using daemon = await startDaemon();
    const crash = `data:text/javascript,${encodeURIComponent("process.once('SIGUSR2', () => { throw new Error('boom'); })")}`;
    const terminal = await top(daemon, { NODE_OPTIONS: `--import=${crash}` });
    terminal.signal('SIGUSR2');
    assert.deepEqual(await terminal.ended(), { code: 1, settings: 'kept' });
    assert.ok(terminal.output.includes(LEFT));
  });

  test('says so and exits 3 when the daemon is gone, and follows one that comes back', async () => {
    const daemon = await startDaemon();
    try {
      const terminal = await top(daemon);
      const config = ['--config', daemon.dir.join('grpcserverd.config.json')];
      const first = terminal.output.length;
      await daemon.stop();
      const successor = spawn(process.execPath, [BIN, 'start', ...config], { env: daemon.env, stdio: 'ignore' });
      await terminal.shows(new RegExp(`pid ${successor.pid ?? 0}`), first);
      successor.kill('SIGTERM');
      await daemon.until(once(successor, 'exit'), 'the exit of the second daemon');
      await assertLeft(terminal, 3, 'The daemon "default" is gone.\r\n');
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
  });

  test('reloads after a yes, shows the verdict, and goes on', async () => {
    await using daemon = await startDaemon();
    const terminal = await top(daemon);
    terminal.type('r');
    await terminal.shows(/Reload default\? y: yes/);
    terminal.type('y');
    await terminal.shows(/Done: generation 2 serves/);
    await daemon.waitFor('reload.ended', { verdict: 'done', cause: 'reload command' });
    terminal.type('q');
    await assertLeft(terminal, 0);
  });

  test('shows why a reload was refused', async () => {
    await using daemon = await startDaemon();
    daemon.dir.write('grpcserverd.config.json', '{ "servicers": 5 }');
    const terminal = await top(daemon);
    terminal.type('ry');
    await terminal.shows(/Refused: generation 1 serves on[^]*E_CONFIG_VALUE/);
    terminal.type('q');
    await assertLeft(terminal, 0);
  });

  test('scales, a worker for each key', async () => {
    await using daemon = await startDaemon();
    const terminal = await top(daemon);
    terminal.type('++');
    await daemon.waitFor('fleet.scaled', { before: 2, after: 3, source: 'scale' });
    await terminal.shows(/3 of 3 ready, set by scale/);
    terminal.type('-');
    await daemon.waitFor('fleet.scaled', { before: 3, after: 2 });
    terminal.type('=');
    await daemon.waitFor('fleet.scaled', { before: 2, after: 1, source: 'config' });
    terminal.type('q');
    await assertLeft(terminal, 0);
  });

  test('uses all of a terminal that grows', async () => {
    await using daemon = await startDaemon();
    const terminal = await top(daemon);
    assert.doesNotMatch(terminal.output, /BUSY/);
    terminal.enlarge();
    // One whole picture: the terminal may pass it on in pieces.
    // eslint-disable-next-line no-control-regex -- escapes are for terminals
    const picture = /\u001B\[H(?:(?!\u001B\[H)[^])*BUSY(?:(?!\u001B\[H)[^])*q quit/;
    await terminal.shows(picture);
    assert.equal(picture.exec(terminal.output)?.[0].split('\r\n').length, 40);
    terminal.type('q');
    await assertLeft(terminal, 0);
  });

  test('gives the terminal back when it is suspended, and takes it again', { skip: !HAS_PROC && 'needs /proc' }, async () => {
    await using daemon = await startDaemon();
    const terminal = await top(daemon);
    terminal.type('\u001A');
    const isStopped = (): true | undefined => (readFileSync(`/proc/${terminal.pid}/stat`, 'utf8').includes(') T ') ? true : undefined);
    await daemon.deadline.poll(isStopped, 'the command to stand still');
    // eslint-disable-next-line no-control-regex -- escapes are for terminals
    await terminal.shows(/\u001B\[\?7h\u001B\[\?25h\u001B\[\?1049l$/);
    const suspended = terminal.output.length;
    terminal.signal('SIGCONT');
    await terminal.shows(/\[\?1049h[^]*q quit/, suspended);
    terminal.type('q');
    assert.deepEqual(await terminal.ended(), { code: 0, settings: 'kept' });
  });
});

describe('status --watch on a terminal', { skip }, () => {
  test('draws over itself, ends with Ctrl-C, and leaves the last table and the cursor', async () => {
    await using daemon = await startDaemon();
    const terminal = new Terminal(daemon, ['status', '--watch', '0.1']);
    await terminal.shows(/healthy[^]*\[\d+A[^]*healthy/);
    terminal.type('\u0003');
    assert.deepEqual(await terminal.ended(), { code: 0, settings: 'kept' });
    assert.ok(terminal.output.endsWith('\u001B[?25h'));
    assert.ok(!terminal.output.includes('\u001B[?1049h'));
  });
});

describe('status --watch elsewhere', () => {
  test('prints a block each time, says when the daemon is gone, and exits 3', async () => {
    const daemon = await startDaemon();
    try {
      const watching = daemon.command('status', '--watch', '0.1');
      await daemon.stop();
      const { code, stdout } = await daemon.until(watching, 'the end of the watch');
      assert.equal(code, 3);
      // eslint-disable-next-line no-control-regex -- escapes are for terminals
      assert.doesNotMatch(stdout, /\u001B/);
      assert.match(stdout, /^(No daemon is running|The daemon "default" is gone)\.\n$/m);
    } finally {
      await daemon[Symbol.asyncDispose]();
    }
  });

  test('with --json is one line each time', async () => {
    await using daemon = await startDaemon();
    const watch = spawn(process.execPath, [BIN, 'status', '--watch', '0.1', '--json'], { env: daemon.env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    const three = new Promise<void>((resolve) => {
      watch.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.split('\n').length > 3) resolve();
      });
    });
    await daemon.until(three, 'three lines');
    watch.kill('SIGINT');
    assert.deepEqual(await daemon.until(once(watch, 'exit'), 'its end'), [0, null]);
    for (const line of text.trimEnd().split('\n')) assert.equal((JSON.parse(line) as { health: string }).health, 'healthy');
  });
});

test('top without a terminal is a mistake that says what works instead', async () => {
  await using daemon = await startDaemon();
  const { code, stdout, stderr } = await daemon.command('top');
  assert.deepEqual([code, stdout], [64, '']);
  assert.equal(stderr, 'grpcserverd: top needs a terminal\ngrpcserverd status --watch works everywhere.\n');
});

test('an interval that is none is a mistake', async () => {
  await using daemon = await startDaemon();
  for (const interval of ['0', 'x', '99999']) assert.equal((await daemon.command('status', '--watch', interval)).code, 64);
});
