// What a run would leave behind: processes, which inherit a mark, and files, which all come to lie in one folder. Gone
// when this process ends, whatever ends it.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MARK = 'BENCH_MARK';

/** @returns the folder */
export function leaveNoTraces() {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-disturb-'));
  process.env[MARK] = randomUUID();
  process.env.TMPDIR = folder;
  process.on('exit', () => {
    endMarked();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) process.on(signal, () => process.exit(code));
  return folder;
}

/** Whoever forks while it is looked for is found in the next look. */
function endMarked() {
  for (let look = 0; look < 20; look += 1) {
    const found = marked();
    if (found.length === 0) return;
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

function marked() {
  const mark = `${MARK}=${process.env[MARK]}\0`;
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
    } catch {
      return false;
    }
  });
}
