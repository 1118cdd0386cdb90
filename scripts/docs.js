// Writes the files that are generated from the tables in src/. With --check it only lists those that are stale.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorsPage } from '../dist/config/render/errors-page.js';
import { eventsPage } from '../dist/config/render/events-page.js';
import { exampleFile } from '../dist/config/render/example-file.js';
import { metricsPage } from '../dist/config/render/metrics-page.js';
import { optionsPage } from '../dist/config/render/options-page.js';
import { manPage } from '../dist/cli/man-page.js';
import { createProgram } from '../dist/cli/program.js';
import { root } from './compile.js';

const FILES = {
  'docs/options.md': optionsPage,
  'docs/errors.md': errorsPage,
  'docs/events.md': eventsPage,
  'docs/metrics.md': metricsPage,
  'config/grpcserverd.example.yaml': exampleFile,
  'man/grpcserverd.1': () => manPage(createProgram()),
};

const stale = Object.entries(FILES).filter(([file, render]) => read(file) !== render());
if (process.argv.includes('--check')) {
  for (const [file] of stale) console.error(`${file} is stale: npm run docs`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const [file, render] of stale) {
    mkdirSync(dirname(root + file), { recursive: true });
    writeFileSync(root + file, render());
    console.log(`wrote ${file}`);
  }
}

function read(file) {
  try {
    return readFileSync(root + file, 'utf8');
  } catch {
    return '';
  }
}
