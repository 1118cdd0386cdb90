import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { commandTable } from '#src/cli/command-table.js';
import { completionScript } from '#src/cli/completions.js';
import { manPage } from '#src/cli/man-page.js';
import { createProgram } from '#src/cli/program.js';
import { ROOT } from '../../support/paths.js';
import { TempDir } from '../../support/temp-dir.js';

const program = createProgram();
const has = (name: string): string | false => (spawnSync(name, ['--version'], { stdio: 'ignore' }).error === undefined || (process.env.CI !== undefined && name === 'bash') ? false : `needs ${name}`);

/** What bash offers for the last word of a command line. */
function complete(...line: string[]): string[] {
  const script = `${completionScript('bash', program)}
COMP_WORDS=(${line.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${line.length - 1}
_grpcserverd
printf '%s\\n' "\${COMPREPLY[@]}"
`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter((word) => word !== '');
}

describe('completions in bash', { skip: has('bash') }, () => {
  test('are the commands, the commands within one, and flags', () => {
    assert.deepEqual(complete('grpcserverd', 'st'), ['start', 'status', 'stop']);
    assert.ok(complete('grpcserverd', '').includes('completion'));
    assert.ok(complete('grpcserverd', 'config', '').includes('show'));
    assert.deepEqual(complete('grpcserverd', 'start', '--max-work'), ['--max-workers', '--max-worker-age', '--max-worker-memory'].filter((flag) => flag.startsWith('--max-work')).sort(byTable('start')));
    assert.ok(complete('grpcserverd', 'config', 'show', '--').includes('--origin'));
  });

  test('are the values of a flag that has a list, and files where a file is wanted', () => {
    assert.deepEqual(complete('grpcserverd', 'init', '--language', ''), ['typescript', 'javascript']);
    using dir = new TempDir();
    dir.write('app.yaml', '');
    assert.deepEqual(complete('grpcserverd', 'start', '--config', dir.join('app')), [dir.join('app.yaml')]);
  });
});

const byTable = (command: string) => (a: string, b: string): number => {
  const flags = commandTable(program).find(({ name }) => name === command)?.flags.map(({ long }) => long) ?? [];
  return flags.indexOf(a) - flags.indexOf(b);
};

for (const shell of ['zsh', 'fish'] as const) {
  test(`the script for ${shell} is one that ${shell} can read`, { skip: has(shell) }, () => {
    using dir = new TempDir();
    const { status, stderr } = spawnSync(shell, ['-n', dir.write('script', completionScript(shell, program))], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });
  test(`the script for ${shell} knows every command and flag`, () => {
    const script = completionScript(shell, program);
    for (const { name, flags } of commandTable(program)) {
      for (const word of name.split(' ')) assert.ok(script.includes(word), name);
      for (const { long } of flags) assert.ok(script.includes(shell === 'fish' ? `-l ${long.slice(2)}` : long), long);
    }
  });
}

describe('the man page', () => {
  test('names every command, every option of the daemon and every exit code', () => {
    const page = manPage(program).replaceAll('\\-', '-');
    for (const { name } of commandTable(program)) assert.ok(page.includes(`.B grpcserverd ${name}`), name);
    for (const { long } of commandTable(program).find(({ name }) => name === 'start')?.flags ?? []) assert.ok(page.includes(`\\fB${long}\\fR`), long);
    for (const code of [0, 1, 3, 64, 69, 70, 71, 73, 75, 77, 78]) assert.match(page, new RegExp(`^\\.B ${code}$`, 'm'));
  });

  test('is the one in the package, and groff has nothing to say about it', { skip: has('groff') }, () => {
    assert.equal(readFileSync(`${ROOT}man/grpcserverd.1`, 'utf8'), manPage(program));
    const { stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww'], { input: manPage(program), encoding: 'utf8' });
    assert.equal(stderr, '');
    // Bold and underlined letters are printed twice.
    // eslint-disable-next-line no-control-regex
    assert.match(stdout.replace(/.\u0008/g, ''), /NAME[^]*grpcserverd[^]*SYNOPSIS[^]*OPTIONS OF THE DAEMON[^]*EXIT STATUS/);
  });
});

test('the help of the whole program fits on a screen', () => {
  const lines = program.helpInformation().split('\n');
  assert.ok(lines.length <= 28, `${lines.length} lines`);
  for (const line of lines) assert.ok(line.length <= 80, line);
});
