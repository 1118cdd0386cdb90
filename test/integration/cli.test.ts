import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { runCli, testEnvironment } from '../support/cli.js';
import { startDaemon } from '../support/daemon.js';
import { BIN, ROOT } from '../support/paths.js';
import { TempDir } from '../support/temp-dir.js';

describe('help', () => {
  test('of the program fits on one screen and groups the commands', async () => {
    const { code, stdout } = await runCli(['--help']);
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.ok(lines.length <= 24, `${lines.length} lines`);
    assert.ok(lines.every((line) => line.length <= 80));
    for (const [group, commands] of [['Serve', ['start', 'status', 'stop']], ['Inspect', ['check', 'list-handlers']], ['Configure', ['config']]] as const) {
      const section = stdout.split(`\n${group}:\n`)[1]?.split('\n\n')[0] ?? '';
      for (const command of commands) assert.match(section, new RegExp(`^ {2}${command} `, 'm'));
    }
  });

  test('of start lists the options by section', async () => {
    const { code, stdout } = await runCli(['start', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /\nWorkers:\n {2}--max-workers /);
    assert.match(stdout, /\n {2}--no-health /);
  });

  test('is what a missing command gets, on standard error, with exit code 64', async () => {
    for (const args of [[], ['config']]) {
      const { code, stdout, stderr } = await runCli(args);
      assert.equal(code, 64);
      assert.equal(stdout, '');
      assert.match(stderr, /^Usage: grpcserverd/);
    }
  });

  test('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
    assert.deepEqual(await runCli(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('a wrong command line is exit code 64', () => {
  const cases: [args: string[], says: RegExp][] = [
    [['strat'], /unknown command 'strat'\nDid you mean start\?/],
    [['check', '--prot', '5'], /unknown option '--prot'\nDid you mean --port\?/],
    [['start', '--max_wokers=5'], /unknown option '--max_wokers=5'|unknown option '--max_wokers'/],
    [['check', '--port'], /option '--port <value>' argument missing/],
    [['check', 'x.yaml'], /too many arguments for 'check'/],
    [['config', 'shwo'], /unknown command 'shwo'\nDid you mean show\?/],
  ];
  for (const [args, says] of cases) {
    test(`grpcserverd ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await runCli(args);
      assert.equal(code, 64);
      assert.equal(stdout, '');
      assert.match(stderr, says);
      assert.ok(stderr.startsWith('grpcserverd: '));
    });
  }
});

describe('config', () => {
  test('show prints the settings in effect as YAML, without secrets', async () => {
    using dir = new TempDir();
    const config = dir.write('x.json', JSON.stringify({ servicers: ['./a.js'], signature_data: { 'x-key': 'hunter2' }, log: { level: 'debug' } }));
    const { code, stdout, stderr } = await runCli(['config', 'show', '-c', config, '--port', '5']);
    assert.equal(code, 0, stderr);
    const shown = parse(stdout) as Record<string, unknown>;
    assert.deepEqual(shown.servicers, [dir.join('a.js')]);
    assert.equal(shown.port, 5);
    assert.deepEqual(shown.signatureData, { 'x-key': '***' });
    assert.doesNotMatch(stdout, /hunter2/);
    assert.match(stderr, /^warning: signatureData is given but signature is off/);
  });

  test('show --origin tells flag, variable, file and default apart', async () => {
    using dir = new TempDir();
    dir.write('grpcserverd.config.toml', 'servicers = ["./a.js"]\nport = 4\nname = "x"\n');
    const env = testEnvironment({ GRPCSERVERD_NAME: 'y' });
    const { stdout } = await runCli(['config', 'show', '--origin', '--no-health'], { cwd: dir.path, env });
    for (const line of [/^port: 4 {2}# grpcserverd\.config\.toml$/m, /^name: y {2}# GRPCSERVERD_NAME$/m, /^health: false {2}# --no-health$/m, /^host: "::" {2}# default$/m]) {
      assert.match(stdout, line);
    }
    const { stdout: json } = await runCli(['config', 'show', '--origin', '--json'], { cwd: dir.path, env });
    const { config, origins } = JSON.parse(json) as { config: Record<string, unknown>; origins: Record<string, unknown> };
    assert.equal(config.name, 'y');
    assert.deepEqual(origins.name, { source: 'environment', variable: 'GRPCSERVERD_NAME' });
  });

  test('schema prints a JSON Schema', async () => {
    const { code, stdout } = await runCli(['config', 'schema']);
    assert.equal(code, 0);
    const schema = JSON.parse(stdout) as { properties: Record<string, unknown> };
    assert.ok('maxWorkers' in schema.properties && 'max_workers' in schema.properties);
  });

  test('docs prints the manual', async () => {
    const { code, stdout } = await runCli(['config', 'docs']);
    assert.equal(code, 0);
    assert.equal(stdout, readFileSync(`${ROOT}docs/options.md`, 'utf8'));
  });

  test('survives a reader that stops', async () => {
    const { stderr } = await promisify(execFile)('/bin/sh', ['-c', `for i in 1 2 3; do "$0" "$1" config docs | head -n 1; done`, process.execPath, BIN]);
    assert.equal(stderr, '');
  });
});

describe('a daemon whose runtime folder is named by its config alone', () => {
  test('is found by --config, and when that file is broken it is not', async () => {
    await using daemon = await startDaemon({ config: { runtimeDir: './own' } });
    const status = await daemon.status();
    assert.equal(status.primary.pid, daemon.pid);
    daemon.dir.write('grpcserverd.config.json', '{');
    const { code, stderr } = await daemon.command('status', '--config', daemon.configFile);
    assert.deepEqual([code, stderr], [3, '']);
  });
});

describe('colours', () => {
  test('are not for pipes', async () => {
    const { NO_COLOR: _, ...env } = testEnvironment();
    const { stderr } = await runCli(['strat'], { env });
    assert.ok(!stderr.includes('\u001B'));
  });
});
