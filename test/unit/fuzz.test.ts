// A few seconds of `npm run fuzz`, always the same; more of it with PROVE=1 and in .ci/run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { campaign, type Mode } from '../fuzz/campaign.js';

const FRAMES = { lean: 6000, router: 1500 } as const;
const TIMES = process.env.PROVE === undefined ? 1 : 20;

for (const mode of ['lean', 'router'] as const satisfies readonly Mode[]) {
  test(`${mode}: whatever clients send, nothing breaks, nothing is left of them, and a neighbour's calls succeed`, async () => {
    const figures = await campaign(mode, 1, ({ frames }) => frames >= FRAMES[mode] * TIMES);
    assert(figures.neighbourCalls > 0 && figures.connections === figures.neighbourCalls, JSON.stringify(figures));
  });
}
