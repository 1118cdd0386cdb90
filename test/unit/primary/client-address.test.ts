import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientAddress } from '#src/primary/client-address.js';

const CASES: readonly (readonly [address: string | undefined, counted: string | null])[] = [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, null],
];

for (const [address, counted] of CASES) {
  test(`${address ?? 'a unix socket'} counts for ${counted ?? 'nobody'}`, () => {
    assert.equal(clientAddress(address), counted);
  });
}
