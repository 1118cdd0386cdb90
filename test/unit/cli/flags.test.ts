import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Command, CommanderError } from 'commander';
import { normalizeArguments } from '#src/cli/arguments.js';
import { addConfigFlags, flagsGiven } from '#src/cli/flags.js';
import { flagName } from '#src/config/key-spelling.js';
import { OPTION_KEYS, SECTIONS, optionSpec, type OptionKey } from '#src/config/options.js';

function command(): Command {
  return addConfigFlags(new Command('start')).exitOverride().configureOutput({ outputError: () => undefined });
}

/** The options that `start ARGS` gives. */
function given(...args: string[]): Partial<Record<OptionKey, unknown>> {
  const start = command();
  start.parse(normalizeArguments(['start', ...args]).slice(1), { from: 'user' });
  return flagsGiven(start.opts());
}

describe('flags', () => {
  test('give nothing when there are none', () => {
    assert.deepEqual(given(), {});
  });

  test('exist for every option, with hyphens and with underscores', () => {
    for (const key of OPTION_KEYS) {
      const flag = `--${flagName(key)}`;
      const args = optionSpec(key).type.arity === 'switch' ? [] : ['value'];
      for (const spelling of [flag, flag.replaceAll('-', '_').replace(/^__/, '--')]) {
        assert.deepEqual(Object.keys(given(spelling, ...args)), [key], spelling);
      }
    }
  });

  test('take values after a space or an equals sign, also negative ones and flags of node', () => {
    assert.deepEqual(given('--max_workers', '4', '--port=5', '--log-level', 'debug'), { maxWorkers: '4', port: '5', 'log.level': 'debug' });
    assert.deepEqual(given('--max-workers', '-1'), { maxWorkers: '-1' });
    assert.deepEqual(given('--node-arguments', '--max_old_space_size=5'), { nodeArguments: ['--max_old_space_size=5'] });
    assert.deepEqual(given('--name=a_b=c'), { name: 'a_b=c' });
  });

  test('of lists may be repeated', () => {
    assert.deepEqual(given('--servicers', './a.js', '--servicers=./b.js'), { servicers: ['./a.js', './b.js'] });
  });

  test('of switches turn on and off, the last one wins', () => {
    assert.deepEqual(given('--health'), { health: true });
    assert.deepEqual(given('--no-health'), { health: false });
    assert.deepEqual(given('--no_health'), { health: false });
    assert.deepEqual(given('--no-channelz', '--channelz'), { channelz: true });
  });

  test('that nobody knows suggest the nearest', () => {
    for (const [flag, suggestion] of [['--prot', '--port'], ['--maxWorkers', '--max-workers'], ['--max-wokers', '--max-workers']] as const) {
      assert.throws(() => given(flag, '1'), (error: CommanderError) => error.code === 'commander.unknownOption' && error.message.includes(suggestion));
    }
  });

  test('are in the help under their sections, each once', () => {
    const help = command().helpInformation();
    for (const section of SECTIONS) assert.ok(help.includes(`\n${section}:\n`), section);
    for (const key of OPTION_KEYS) {
      const shown = new RegExp(`^ {2}--(?:no-)?${flagName(key)}(?: |$)`, 'gm');
      assert.equal(help.match(shown)?.length, 1, key);
    }
  });
});

describe('the command line', () => {
  test('start --list-handlers is list-handlers', () => {
    assert.deepEqual(normalizeArguments(['start', '--port', '5', '--list-handlers']), ['list-handlers', '--port', '5']);
    assert.deepEqual(normalizeArguments(['start', '--list_handlers']), ['list-handlers']);
    assert.deepEqual(normalizeArguments(['check', '--list-handlers']), ['check', '--list-handlers']);
  });

  test('is left alone where no flag of ours stands, and after --', () => {
    for (const args of [['certs', 'my_dir', '--host', 'a_b'], ['x', '--', '--max_workers'], ['start', '--no_such_flag=a_b'], ['-V'], []]) {
      assert.deepEqual(normalizeArguments(args), args);
    }
  });
});
