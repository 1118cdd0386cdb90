// A server played through on a simulated clock, with the router's own choice of a worker. Calls come at random, each of
// a connection whose rate is heavy-tailed, and a worker does one at a time, as a handler does that keeps its event loop.
import { chooseWorker } from '../../dist/router/worker-choice.js';
import { WorkerRanking } from '../../dist/router/worker-ranking.js';

/** Milliseconds that a call takes, on average; exponential. */
export const SERVICE = 5;
/** Of what the workers could do. */
const LOAD = 0.7;
/** Of the Pareto distribution of rates: a few connections in a thousand make half of all calls. */
const SHAPE = 1.2;
/** In milliseconds. */
const WINDOW = 5000;

/** How calls come to workers. Each: `(fleet) => choose(connection)`, which returns the index of a worker. */
export const WAYS = {
  /** What routers do: each client is with one of them, and each knows of its own calls alone. */
  routers: (count) => (fleet) => {
    const routers = Array.from({ length: count }, () => rank(fleet.workers.length));
    fleet.onBegin = (worker, connection) => routers[connection % count].change(worker, 1);
    fleet.onEnd = (worker, connection) => routers[connection % count].change(worker, -1);
    return (connection) => {
      const { ranking, seats } = routers[connection % count];
      const home = fleet.homes[connection];
      return chooseWorker(ranking.first, home === -1 ? null : seats[home]).index;
    };
  },
  /** What a balancer of connections does: the next connection to the next worker, and there it stays. */
  connections: (fleet) => (connection) => connection % fleet.workers.length,
  /** What nobody can do: the worker that will be free first, as if all calls waited in one line. */
  ideal: (fleet) => {
    const line = new TimeLine();
    fleet.workers.forEach((_, index) => line.add(0, index, 0));
    fleet.onPlaced = (worker, freeAt) => line.add(freeAt, worker, 0);
    return () => line.take().worker;
  },
};

function rank(count) {
  const ranking = new WorkerRanking();
  const seats = Array.from({ length: count }, (_, index) => ({ index, inFlight: 0, standing: 'good', rank: null, lastEnd: 0 }));
  for (const seat of seats) ranking.add(seat);
  const change = (worker, by) => {
    seats[worker].inFlight += by;
    if (by < 0) ranking.noteEnd(seats[worker]);
    else ranking.note(seats[worker]);
  };
  return { ranking, seats, change };
}

/**
 * @param way of WAYS
 * @returns `wait`: milliseconds that calls waited, p50 and p99; `skew`: the busiest worker's calls to the mean, in each
 *   window; `homes`: the part of calls that went to their connection's home; `links`: workers that a connection used, of
 *   those that had calls, in each window
 */
export function playCalls({ workers: count, connections, calls, way, seed }) {
  const random = randomFrom(seed);
  const pick = heavyTailed(connections, random);
  const fleet = {
    workers: Array.from({ length: count }, () => ({ freeAt: 0, calls: 0 })),
    homes: new Int16Array(connections).fill(-1),
    onBegin: () => undefined,
    onEnd: () => undefined,
    onPlaced: () => undefined,
  };
  const choose = way(fleet);
  const ends = new TimeLine();
  const waits = new Float32Array(calls);
  const skew = [];
  const links = [];
  let used = new Set();
  let active = new Set();
  let homes = 0;
  let now = 0;
  let windowEnd = WINDOW;
  for (let call = 0; call < calls; call += 1) {
    now += (-Math.log(1 - random()) * SERVICE) / (count * LOAD);
    while (ends.next <= now) {
      const { worker, connection } = ends.take();
      fleet.onEnd(worker, connection);
    }
    if (now >= windowEnd) {
      // The first is warm-up.
      if (windowEnd > WINDOW) {
        const each = fleet.workers.map((worker) => worker.calls);
        skew.push((Math.max(...each) * count) / each.reduce((sum, one) => sum + one, 0));
        links.push(used.size / active.size);
      }
      for (const worker of fleet.workers) worker.calls = 0;
      used = new Set();
      active = new Set();
      windowEnd += WINDOW;
    }
    const connection = pick();
    const chosen = choose(connection);
    const worker = fleet.workers[chosen];
    if (fleet.homes[connection] === -1) fleet.homes[connection] = chosen;
    if (fleet.homes[connection] === chosen) homes += 1;
    waits[call] = Math.max(0, worker.freeAt - now);
    worker.freeAt = Math.max(worker.freeAt, now) - Math.log(1 - random()) * SERVICE;
    worker.calls += 1;
    used.add(connection * count + chosen);
    active.add(connection);
    fleet.onPlaced(chosen, worker.freeAt);
    fleet.onBegin(chosen, connection);
    ends.add(worker.freeAt, chosen, connection);
  }
  waits.sort();
  const wait = { p50: waits[Math.floor(calls * 0.5)], p99: waits[Math.floor(calls * 0.99)] };
  return { wait, skew, links, homes: homes / calls };
}

/** Moments with a worker and a connection each, the soonest first: a heap in flat arrays. */
class TimeLine {
  #times = [];
  #workers = [];
  #connections = [];

  get next() {
    return this.#times[0] ?? Infinity;
  }

  add(time, worker, connection) {
    let at = this.#times.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#times[above] <= time) break;
      this.#move(above, at);
      at = above;
    }
    this.#set(at, time, worker, connection);
  }

  take() {
    const first = { worker: this.#workers[0], connection: this.#connections[0] };
    const [time, worker, connection] = [this.#times.pop(), this.#workers.pop(), this.#connections.pop()];
    const count = this.#times.length;
    if (count === 0) return first;
    let at = 0;
    for (let below = 1; below < count; below = 2 * at + 1) {
      if (below + 1 < count && this.#times[below + 1] < this.#times[below]) below += 1;
      if (this.#times[below] >= time) break;
      this.#move(below, at);
      at = below;
    }
    this.#set(at, time, worker, connection);
    return first;
  }

  #move(from, to) {
    this.#set(to, this.#times[from], this.#workers[from], this.#connections[from]);
  }

  #set(at, time, worker, connection) {
    this.#times[at] = time;
    this.#workers[at] = worker;
    this.#connections[at] = connection;
  }
}

/** Picks connections, each as often as its rate has it, in the same time however many there are (Walker's alias method). */
function heavyTailed(count, random) {
  const share = new Float64Array(count);
  let total = 0;
  for (let index = 0; index < count; index += 1) total += share[index] = (1 - random()) ** (-1 / SHAPE);
  const other = new Uint32Array(count);
  const [small, large] = [[], []];
  for (let index = 0; index < count; index += 1) {
    share[index] *= count / total;
    (share[index] < 1 ? small : large).push(index);
  }
  while (small.length > 0 && large.length > 0) {
    const [less, more] = [small.pop(), large.at(-1)];
    other[less] = more;
    share[more] -= 1 - share[less];
    if (share[more] < 1) small.push(large.pop());
  }
  for (const rest of [...small, ...large]) share[rest] = 1;
  return () => {
    const index = Math.floor(random() * count);
    return random() < share[index] ? index : other[index];
  };
}

/** Numbers in 0..1 that a seed repeats (a Lehmer generator). */
export function randomFrom(seed) {
  let state = seed * 48_271;
  return () => {
    state = (state * 48_271) % 2147483647;
    return state / 2147483647;
  };
}
