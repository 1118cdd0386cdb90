// Compiles src/ to dist/ and puts beside it the file that tsc does not know.
import { cpSync } from 'node:fs';
import { compile, root } from './compile.js';

compile('.');
cpSync(`${root}src/control/control.proto`, `${root}dist/control/control.proto`);
