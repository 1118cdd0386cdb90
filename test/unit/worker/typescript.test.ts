import assert from 'node:assert/strict';
import { unlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Server } from '@grpc/grpc-js';
import ts from 'typescript';
import { loadServicers } from '#src/worker/servicers.js';
import { TempDir } from '../../support/temp-dir.js';

/** What the hook of a servicer returns. */
async function callHook(module: string): Promise<unknown> {
  const [servicer] = await loadServicers<object>([{ module, exportName: null }]);
  assert.ok(servicer);
  return servicer.hook(new Server(), {});
}

const THROWING = `interface Padding {
  readonly a: number;
}

export function grpcHook(): never {
  throw new Error('seen');
}
`;

function compile(source: string, name: string, options: ts.CompilerOptions): ts.TranspileOutput {
  return ts.transpileModule(source, { fileName: name, compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, ...options } });
}

const stackOf = (error: unknown): string => (error as Error).stack ?? '';

describe('a servicer of a config that names the source', () => {
  for (const [written, there] of [['x.ts', 'x.mjs'], ['a.ts', 'a.js'], ['a.js', 'a.ts'], ['a.mts', 'a.mjs'], ['a.cjs', 'a.cts']] as const) {
    const found = written.at(-2) !== there.at(-2) && written.replace(/.s$/, '') === there.replace(/.s$/, '');
    test(`${written} ${found ? 'is' : 'is not'} found in ${there}`, async () => {
      using dir = new TempDir();
      dir.write('package.json', '{"type":"module"}');
      dir.write(there, /\.c[tj]s$/.test(there) ? 'module.exports = () => "yes";' : 'export default () => "yes";');
      if (found) assert.equal(await callHook(dir.join(written)), 'yes');
      else await assert.rejects(callHook(dir.join(written)), /there is no such file/);
    });
  }

  test('is the file that it names when both are there', async () => {
    using dir = new TempDir();
    dir.write('a.ts', 'export default (): string => "source";');
    dir.write('a.js', 'module.exports = () => "compiled";');
    assert.equal(await callHook(dir.join('a.ts')), 'source');
    assert.equal(await callHook(dir.join('a.js')), 'compiled');
    unlinkSync(dir.join('a.ts'));
    assert.equal(await callHook(dir.join('a.ts')), 'compiled');
  });
});

describe('a stack names the lines of the TypeScript source', () => {
  test('when the source itself runs', async () => {
    using dir = new TempDir();
    await assert.rejects(callHook(dir.write('direct.ts', THROWING)), (error) => /direct\.ts:6:\d+/.test(stackOf(error)));
  });

  for (const [kind, options] of [['beside it', { sourceMap: true }], ['in it', { inlineSourceMap: true }]] as const) {
    test(`when compiled code runs that has its map ${kind}`, async () => {
      using dir = new TempDir();
      dir.write('package.json', '{"type":"module"}');
      dir.write('src.ts', THROWING);
      const { outputText, sourceMapText } = compile(THROWING, 'src.ts', options);
      assert.doesNotMatch(outputText, /interface/);
      if (sourceMapText !== undefined) dir.write('src.js.map', sourceMapText);
      await assert.rejects(callHook(dir.write('src.js', outputText)), (error) => {
        assert.match(stackOf(error), /src\.ts:6:\d+/);
        return true;
      });
    });
  }
});

describe('tsconfig.json', () => {
  const IMPORTING = 'import { word } from "@lib/word.js";\nimport { word as again } from "~";\nexport default (): string => word + again;\n';

  test('gives imports their path aliases, from the nearest folder above', async () => {
    using dir = new TempDir();
    dir.write('tsconfig.json', '{ // with comments\n "compilerOptions": { "paths": { "@lib/*": ["./src/lib/*"], "~": ["./src/lib/word.ts"] } } }');
    dir.write('src/lib/word.ts', 'export const word: string = "yes";');
    assert.equal(await callHook(dir.write('src/servicers/a.ts', IMPORTING)), 'yesyes');
  });

  test('that extends what is not installed here is for other machines', async () => {
    using dir = new TempDir();
    dir.write('tsconfig.json', '{ "extends": "@tsconfig/node20/tsconfig.json" }');
    assert.equal(await callHook(dir.write('a.ts', 'export default (): number => 1;')), 1);
  });
});
