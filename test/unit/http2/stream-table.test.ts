import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamTable } from '#src/http2/stream-table.js';
import { randomFrom } from '../../support/random.js';

test('agrees with a Map through a long life, whatever the order of ends', () => {
  for (const seed of [1, 2, 3, 4]) {
    const random = randomFrom(seed);
    const table = new StreamTable<{ readonly id: number }>();
    const map = new Map<number, { readonly id: number }>();
    let id = 1;
    for (let step = 0; step < 20_000; step += 1) {
      // Waves: the table grows to some hundreds, and shrinks to nothing.
      if (random() < (step % 2000 < 1000 ? 0.7 : 0.3)) {
        const stream = { id };
        table.add(stream);
        map.set(id, stream);
        id += 2 * Math.ceil(random() ** 8 * 100);
      } else {
        const keys = [...map.keys()];
        const gone = random() < 0.9 ? keys[Math.floor(random() * keys.length)] : 2 * Math.floor(random() * id) + 1;
        if (gone !== undefined) assert.equal(table.delete(gone), map.delete(gone));
      }
      assert.equal(table.size, map.size);
      const probe = Math.floor(random() * (id + 10));
      assert.equal(table.get(probe), map.get(probe));
      if (step % 500 === 0) {
        for (const [key, stream] of map) assert.equal(table.get(key), stream);
        assert.deepEqual([...table].map((stream) => stream.id).sort((a, b) => a - b), [...map.keys()].sort((a, b) => a - b));
      }
    }
  }
});

test('ids that want the same place are all found, and after one has gone too', () => {
  const ids = [1, 17, 33, 3, 49, 15, 31];
  for (const gone of ids) {
    const table = new StreamTable<{ readonly id: number }>();
    for (const id of ids.slice(0, 6)) table.add({ id });
    table.add({ id: 31 });
    assert.equal(table.delete(gone), true);
    assert.equal(table.delete(gone), false);
    for (const id of ids) assert.equal(table.get(id)?.id, id === gone ? undefined : id);
  }
});

test('what is iterated over is what was there at the start', () => {
  const table = new StreamTable<{ readonly id: number }>();
  for (let id = 1; id < 200; id += 2) table.add({ id });
  let seen = 0;
  for (const { id } of table) {
    table.delete(id);
    table.add({ id: id + 1000 });
    seen += 1;
  }
  assert.equal(seen, 100);
  assert.equal(table.size, 100);
});

test('keeps nothing of a stream that has gone', async () => {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // What the flag has just brought.
  const table = new StreamTable<{ readonly id: number }>();
  const gone: WeakRef<object>[] = [];
  for (let id = 1; id < 2000; id += 2) {
    const stream = { id };
    table.add(stream);
    if (id % 4 === 1) gone.push(new WeakRef(stream));
  }
  for (let id = 1; id < 2000; id += 4) table.delete(id);
  // A WeakRef holds its target until the turn is over.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(gone.filter((ref) => ref.deref() !== undefined).length, 0);
  assert.equal(table.size, 500);
});
