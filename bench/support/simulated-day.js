// A day of an elastic fleet on a simulated clock, with the daemon's own scaling policy: quiet at night, busy at noon,
// with noise, and with a rush of half a minute in every hour.
import { AIM, decideScale, STEADY } from '../../dist/primary/scaling-policy.js';
import { randomFrom } from './simulated-calls.js';

/** Between two readings, in milliseconds. */
const HEARTBEAT = 2000;
/** Of a worker, from its fork to ready, in milliseconds. */
const BOOT = 2000;
const DAY = 24 * 3600_000;
/** Steps in opposite directions that follow each other sooner than this, in milliseconds, are one too many. */
const SOON = 2 * 60_000;
/** Above this utilisation of every worker, calls wait for most of their time. */
const OVERLOAD = 0.9;

/**
 * @param most workers; an eighth of them at the least
 * @param rush how much higher the load is in the half-minutes
 * @returns `steps` of the fleet's size; `flaps`: steps back from another of less than two minutes ago; `overloaded`: part
 *   of the day; `waste`: worker hours to those of a fleet that always had as many as growing aims at; `sizes`: [hour, workers]
 */
export function playDay({ most, seed, rush = 1.25 }) {
  const random = randomFrom(seed);
  const limits = { min: Math.ceil(most / 8), max: most };
  let state = STEADY;
  let workers = limits.min;
  let booting = [];
  let steps = 0;
  let flaps = 0;
  let last = { at: -Infinity, up: false };
  let overloaded = 0;
  let spent = 0;
  let needed = 0;
  const sizes = [];
  for (let now = 0; now < DAY; now += HEARTBEAT) {
    // From a tenth of what the largest fleet could do at midnight to six tenths at noon.
    const wave = 0.35 - 0.25 * Math.cos((2 * Math.PI * now) / DAY);
    const isRush = now % 3600_000 < 30_000;
    // What all share, and what evens out over many workers.
    const noise = 1 + 0.03 * bell(random) + (0.2 * bell(random)) / Math.sqrt(workers);
    const load = Math.max(0, most * wave * (isRush ? rush : 1) * noise);
    booting = booting.filter((at) => at > now);
    const ready = workers - booting.length;
    const utilization = Math.min(ready, load);
    if (utilization > OVERLOAD * ready) overloaded += 1;
    spent += workers;
    needed += Math.max(limits.min, Math.min(most, load / AIM));
    const decision = decideScale(state, { workers, ready, utilization, serving: true, free: workers - 1 }, now, limits);
    state = decision.state;
    if (decision.workers !== workers) {
      const up = decision.workers > workers;
      steps += 1;
      if (up !== last.up && now - last.at < SOON) flaps += 1;
      last = { at: now, up };
      for (let one = workers; one < decision.workers; one += 1) booting.push(now + BOOT);
      workers = decision.workers;
    }
    if (now % 60_000 === 0) sizes.push([now / 3600_000, workers]);
  }
  return { steps, flaps, overloaded: (overloaded * HEARTBEAT) / DAY, waste: spent / needed, sizes };
}

/** About a normal distribution, of deviation 1. */
function bell(random) {
  let sum = -6;
  for (let each = 0; each < 12; each += 1) sum += random();
  return sum;
}
