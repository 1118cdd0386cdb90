// Every page of the documentation, followed to the letter: its files are written, its commands run, its promises kept.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { followPage } from '../support/docs/reader.js';
import { ROOT } from '../support/paths.js';

const pages = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));

describe('the documentation can be followed', { concurrency: 2, timeout: 300_000 }, () => {
  for (const page of pages) test(page, () => followPage(`${ROOT}docs/${page}`));
});

test('every link within the documentation leads somewhere, and every bench that it names is there', () => {
  const others = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'systemd/README.md', 'credentials/README.md'];
  const lost = [...others, ...pages.map((page) => `docs/${page}`)].flatMap((file) => {
    const text = readFileSync(ROOT + file, 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].filter(([, path = '', anchor]) => {
      const target = path === '' ? file : join(dirname(file), path);
      return !existsSync(ROOT + target) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    const benches = [...text.matchAll(/npm run bench -- ([a-z-]+)/g)].filter(([, name = '']) => !existsSync(`${ROOT}bench/${name}.js`));
    return [...links, ...benches].map(([found]) => `${file}: ${found}`);
  });
  assert.deepEqual(lost, []);
});

/** Of the headings of a page, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  return [...readFileSync(ROOT + page, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading.toLowerCase().replaceAll(/[^\w\- ]/g, '').replaceAll(' ', '-'),
  );
}
