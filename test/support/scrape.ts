/** The admin page of a daemon, as a scraper reads it. */
import assert from 'node:assert/strict';
import type { Daemon } from './daemon.js';

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** Where the page is now, once the daemon has said it. */
export function adminUrl(daemon: Daemon): string {
  const address = daemon.log.all('admin.listening').at(-1)?.address;
  assert(typeof address === 'string', `no admin page yet\n${daemon.log.text}`);
  return `http://${address}`;
}

/** @returns status and text of a path of the page */
export async function get(daemon: Daemon, path: string): Promise<{ status: number; text: string }> {
  const response = await daemon.until(fetch(adminUrl(daemon) + path), `an answer of ${path}`);
  return { status: response.status, text: await response.text() };
}

/** A page of metrics. */
export class Page {
  readonly series: readonly Series[];

  constructor(readonly text: string) {
    this.series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map(parse);
  }

  /** Of all series of that name with those labels. */
  sum(name: string, labels: Labels = {}): number {
    const found = this.series.filter((each) => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value));
    assert(found.length > 0, `no ${name} with ${JSON.stringify(labels)}\n${this.text}`);
    return found.reduce((sum, { value }) => sum + value, 0);
  }
}

export async function scrape(daemon: Daemon): Promise<Page> {
  const { status, text } = await get(daemon, '/metrics');
  assert.equal(status, 200, text);
  return new Page(text);
}

function parse(line: string): Series {
  const [, name = '', list = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? assert.fail(`no line of metrics: ${line}`);
  const labels = Object.fromEntries([...list.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [label, text]));
  return { name, labels, value: Number(value) };
}
