// The code that is deployed: a file that says which version it is, or that does not load.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HANDLERS = new URL('handlers.js', import.meta.url).href;
const BROKEN = "throw new Error('This deploy is broken.');\n";

export class Deploy {
  #version = 0;

  constructor(folder) {
    this.file = join(folder, 'servicer.mjs');
    this.next();
  }

  /** @returns its number */
  next() {
    this.#version += 1;
    this.#write(`import { serve } from '${HANDLERS}';\nexport const grpcHook = (server) => serve(server, ${this.#version});\n`);
    return this.#version;
  }

  break() {
    this.#write(BROKEN);
  }

  /** In the place of the old one at once, as deploys do. */
  #write(code) {
    writeFileSync(`${this.file}.new`, code);
    renameSync(`${this.file}.new`, this.file);
  }
}
