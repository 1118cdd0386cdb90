import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that goes away with its test. Its path is short enough for unix sockets. */
export class TempDir implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'grpcserverd-test-'));

  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string | Buffer, mode = 0o644): string {
    const path = this.join(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
    return path;
  }

  /** Whatever is in it and is no folder. */
  files(folder = ''): string[] {
    return readdirSync(this.join(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
