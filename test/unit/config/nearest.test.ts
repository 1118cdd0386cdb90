import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '#src/config/nearest.js';

const WORDS = ['port', 'host', 'maxWorkers', 'maximumConcurrentRpcs'];

test('one slip finds the word: a letter missing, too many, wrong, or swapped', () => {
  for (const slip of ['prt', 'portt', 'pott', 'prot']) assert.equal(nearest(slip, WORDS), 'port', slip);
});

test('case, hyphens and underscores do not count', () => {
  assert.equal(nearest('MAX-WORKERS', WORDS), 'maxWorkers');
  assert.equal(nearest('maximum_concurent_rpc', WORDS), 'maximumConcurrentRpcs');
});

test('what is far from everything finds nothing', () => {
  for (const word of ['zebra', 'x', '', 'cluster']) assert.equal(nearest(word, WORDS), undefined, word);
});
