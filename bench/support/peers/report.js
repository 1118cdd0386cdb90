// What a run of questions found: printed as it comes, and at its end a page of tables and a plot for each.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatTable } from '../figures.js';

export class Report {
  #name;
  #page = [];
  #plots = [];

  /** @param name of the page and, with what it shows behind it, of each plot */
  constructor(name) {
    this.#name = name;
  }

  say(text) {
    console.log(text);
    this.#page.push(text);
  }

  table(head, rows) {
    this.say(`\n${formatTable(head, rows)}\n`);
  }

  /** @param svg its text */
  plot(what, alt, svg) {
    const file = `${this.#name}-${what}.svg`;
    this.#plots.push([file, svg]);
    this.#page.push(`\n![${alt}](${file})\n`);
  }

  /** A peer that could not be measured where it should have been: said, and the exit code is 1. */
  fail(question, peer, error) {
    process.exitCode = 1;
    const lines = String(error?.message ?? error).split('\n').filter((line) => line !== '' && !line.startsWith('Command failed'));
    const reason = lines.find((line) => line.includes('Error')) ?? lines[0];
    console.error(`${question}: ${peer} could not be measured:\n  ${lines.join('\n  ')}`);
    this.#page.push(`${peer} could not be measured: ${reason}\n`);
  }

  write(folder) {
    mkdirSync(folder, { recursive: true });
    for (const [file, svg] of this.#plots) writeFileSync(join(folder, file), svg);
    writeFileSync(join(folder, `${this.#name}.md`), `${this.#page.join('\n').replaceAll(/\n{3,}/g, '\n\n').trim()}\n`);
  }
}
