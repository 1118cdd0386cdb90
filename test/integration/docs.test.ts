// Every page of the documentation, followed to the letter: its files are written, its commands run, its promises kept.
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { followPage } from '../support/docs/reader.js';
import { ROOT } from '../support/paths.js';

const pages = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));

describe('the documentation can be followed', { concurrency: 2, timeout: 300_000 }, () => {
  for (const page of pages) test(page, () => followPage(`${ROOT}docs/${page}`));
});
