import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { BIN } from '../../support/paths.js';

test('a worker that is out of descriptors goes on beating', () => {
  const program = `
    import fs from 'node:fs';
    const { startHeartbeat } = await import(${JSON.stringify(new URL('../dist/worker/heartbeat.js', `file://${BIN}`).href)});
    let code;
    while (code === undefined) try { fs.openSync('/dev/null'); } catch (error) { code = error.code; }
    const none = () => 0;
    startHeartbeat({ connections: () => 7, inFlight: none, calls: none, takeP99: none, oldestCall: () => null, served: () => null }, (load) => {
      fs.writeSync(1, code + ' ' + load.connections);
      process.exit(0);
    });`;
  const shell = ['-c', 'ulimit -n 40; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', program];
  assert.equal(execFileSync('/bin/sh', shell, { encoding: 'utf8' }), 'EMFILE 7');
});
