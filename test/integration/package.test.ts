import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { linkPackages, packPackage, run } from '../support/new-project.js';
import { TempDir } from '../support/temp-dir.js';

const USE = `
const config = defineConfig({ servicers: ['./greeter.ts'] });
const hook = defineServicer((server, context) => { context.slot satisfies number; void server; });
const error: Error = new RpcError('NOT_FOUND', 'no');
console.log(typeof config, typeof hook, error.name, typeof startTestServer, typeof signatureValidation, typeof asyncHandlers);
`;
const NAMES = 'defineConfig, defineServicer, RpcError, asyncHandlers';
const MODULE = `import { ${NAMES} } from 'grpcserverd';
import { signatureValidation } from 'grpcserverd/interceptors';
import { startTestServer } from 'grpcserverd/testing';
${USE}`;

describe('the packed package', () => {
  const dir = new TempDir();
  let tarball = '';
  before(() => {
    tarball = packPackage(dir.path);
    linkPackages(dir.path, tarball);
  });
  after(() => dir[Symbol.dispose]());

  for (const [kind, name] of [['an ES module', 'use.mts'], ['CommonJS', 'use.cts']] as const) {
    test(`is typed for ${kind} under NodeNext, and runs there`, async () => {
      dir.write('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'NodeNext', target: 'ES2023', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'], strict: true, skipLibCheck: false, outDir: 'out', rootDir: '.' }, files: [name] }));
      dir.write(name, MODULE);
      const checked = await run(dir.path, process.execPath, ['node_modules/.bin/tsc']);
      assert.equal(checked.code, 0, checked.output);
      const { code, output } = await run(dir.path, process.execPath, ['--no-warnings', `out/${name.replace('ts', 'js')}`]);
      assert.equal(output, 'object function RpcError function function function\n');
      assert.equal(code, 0);
    });
  }
});
