// Compiles src/ to dist/ and puts beside it what tsc does not know: the .proto files, and the page of the dashboard with
// the library that draws its plots.
import { cpSync, readdirSync } from 'node:fs';
import { compile, root } from './compile.js';

compile('.');
compile('src/dashboard');
for (const file of readdirSync(`${root}src`, { recursive: true })) {
  if (/\.(?:proto|html|css|svg)$/.test(file)) cpSync(`${root}src/${file}`, `${root}dist/${file}`);
}
const PLOTS = { 'dist/uPlot.iife.min.js': 'uplot.js', 'dist/uPlot.min.css': 'uplot.css', LICENSE: 'uplot-license.txt' };
for (const [file, name] of Object.entries(PLOTS)) cpSync(`${root}node_modules/uplot/${file}`, `${root}dist/dashboard/${name}`);
