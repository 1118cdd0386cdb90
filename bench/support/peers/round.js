// Peers side by side: started together, measured in turn, and left out of a question when something of it failed.
import pLimit from 'p-limit';
import { spread } from '../figures.js';
import { call, connect } from '../http2-client.js';
import { freePort } from '../free-port.js';

/** In milliseconds. */
const PATIENCE = 100_000;
const RETRY = 5;
const ANSWERS = { plain: 'Hello world', blocking: 'done' };

/** Starts a peer and asks it until it answers. Resolves to `{ name, peer, port, expect, pids, stop, answered }`, the last in ms. */
export async function startPeer(peer, { workers, block = 0 }) {
  const port = await freePort();
  const since = performance.now();
  const text = block > 0 ? ANSWERS.blocking : ANSWERS.plain;
  let isOver = false;
  const answer = firstAnswer(port, text, () => isOver);
  const starting = peer.start({ workers, port, block });
  starting.catch(() => (isOver = true));
  const at = await answer.catch(async (error) => {
    // When it did not even start, that is what there is to say.
    const server = await starting;
    await server.stop();
    throw error;
  });
  const server = await starting;
  return { name: peer.name, peer, port, expect: 5 + 2 + text.length, answered: at - since, ...server };
}

async function firstAnswer(port, text, isOver) {
  const deadline = performance.now() + PATIENCE;
  while (!isOver() && performance.now() < deadline) {
    const session = await connect(port).catch(() => null);
    if (session !== null) {
      session.on('error', () => undefined);
      const answer = await call(session, 'Callback').catch(() => null);
      const at = performance.now();
      session.destroy();
      if (answer?.subarray(7).toString() === text) return at;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
  throw new Error(`no right answer on port ${port}`);
}

/** Starts the peers, a few at a time so that each is ready in time; hands over those that answer, and stops them. */
export async function withPeers(bench, question, peers, options, use) {
  const limit = pLimit(bench.cores);
  const starts = await Promise.allSettled(peers.map((peer) => limit(startPeer, peer, options)));
  const servers = starts.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
  starts.forEach(({ reason }, index) => reason && bench.report.fail(question, peers[index].name, reason));
  try {
    return await use(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/**
 * Measures every server once in each round, and starts each round with another one. Resolves to results by the name of
 * the peer, as many as rounds; a peer of which one failed is not among them.
 */
export async function inRounds(bench, question, rounds, servers, measure) {
  const results = new Map(servers.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let step = 0; step < servers.length; step += 1) {
      const server = servers[(round + step) % servers.length];
      if (!results.has(server.name)) continue;
      try {
        results.get(server.name).push(await measure(server));
      } catch (error) {
        results.delete(server.name);
        bench.report.fail(question, server.name, error);
      }
    }
  }
  return results;
}

/** Of each round, the figure of a peer to that of another. Empty where one of them has none. */
export function ratios(results, name, reference, figure) {
  const others = results.get(reference);
  if (others === undefined) return [];
  return (results.get(name) ?? []).map((result, round) => figure(result) / figure(others[round]));
}

/** `1 round`, `3 rounds`. */
export const counted = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;

/** `1.05 (1.01-1.10)`, or a dash of nothing. */
export function cell(values, digits) {
  if (values.length === 0) return '–';
  const { min, median, max } = spread(values);
  const text = (value) => (value >= 10_000 ? Math.round(value).toLocaleString('en-US') : value.toFixed(digits));
  return min === max ? text(median) : `${text(median)} (${text(min)}-${text(max)})`;
}
