import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that goes away with its test. Its path is short enough for unix sockets. */
export class TempDir implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'grpcserverd-test-'));

  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string | Buffer, mode = 0o644): string {
    const path = this.join(name);
    writeFileSync(path, text, { mode });
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
