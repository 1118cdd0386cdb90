import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteCache } from '#src/worker/transport/lean/byte-cache.js';

function ask(cache: ByteCache<string>, key: Buffer): string | undefined {
  return cache.get(key, 0, key.length);
}

function give(cache: ByteCache<string>, key: Buffer, value: string): void {
  ask(cache, key);
  cache.offer(key, 0, key.length, value);
}

test('bytes are remembered from the second time on, wherever they lie', () => {
  const cache = new ByteCache<string>(16, 100);
  const key = Buffer.from('some bytes');
  give(cache, key, 'value');
  assert.equal(ask(cache, key), undefined);
  give(cache, key, 'value');
  assert.equal(ask(cache, key), 'value');
  assert.equal(cache.get(Buffer.from('xsome bytesx'), 1, 11), 'value');
  assert.equal(ask(cache, Buffer.from('some byte')), undefined);
});

test('bytes with the hash of others are never taken for them', () => {
  const step = (hash: number, word: number): number => {
    const next = Math.imul(hash ^ word, 0x9e3779b1);
    return next ^ (next >>> 15);
  };
  const first = Buffer.from('credenti');
  const second = Buffer.from('attacker');
  // The second words are chosen so that the hash of both is the same.
  const difference = step(8, first.readInt32LE(0)) ^ step(8, second.readInt32LE(0));
  second.writeInt32LE(first.readInt32LE(4) ^ difference, 4);
  const cache = new ByteCache<string>(16, 100);
  give(cache, first, 'of the first');
  give(cache, second, 'of the second');
  assert.equal(ask(cache, second), 'of the second', 'kept at once: the hash was seen, so this is a collision');
  assert.equal(ask(cache, first), undefined);
});

test('long bytes are not kept, and others take the places of old ones', () => {
  const cache = new ByteCache<number>(4, 10);
  for (let round = 0; round < 2; round += 1) {
    const long = Buffer.alloc(11);
    cache.get(long, 0, 11);
    cache.offer(long, 0, 11, 1);
    assert.equal(cache.get(long, 0, 11), undefined);
  }
  for (let index = 0; index < 100; index += 1) {
    const key = Buffer.from(`key ${index}`);
    for (let round = 0; round < 2; round += 1) {
      cache.get(key, 0, key.length);
      cache.offer(key, 0, key.length, index);
    }
    assert.equal(cache.get(key, 0, key.length), index);
  }
});
