// Compiles src/ to dist/ and puts beside it the .proto files, which tsc does not know.
import { cpSync, readdirSync } from 'node:fs';
import { compile, root } from './compile.js';

compile('.');
for (const file of readdirSync(`${root}src`, { recursive: true })) {
  if (file.endsWith('.proto')) cpSync(`${root}src/${file}`, `${root}dist/${file}`);
}
