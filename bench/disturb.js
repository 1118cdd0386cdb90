// What a disturbance costs the clients: reloads, kills, broken deploys and stuck workers under a load of grpc-js clients,
// for grpcserverd and for what else people run. Every question starts every peer anew.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { formatTable } from './support/figures.js';
import * as brokenDeploys from './disturb/broken-deploys.js';
import * as kills from './disturb/kills.js';
import { findPeers } from './disturb/peers.js';
import * as reloads from './disturb/reloads.js';
import { FULL, QUICK, inScene } from './disturb/scene.js';
import * as stuckWorkers from './disturb/stuck-workers.js';
import { leaveNoTraces } from './disturb/traces.js';

const QUESTIONS = [reloads, kills, brokenDeploys, stuckWorkers];
const OURS = 'grpcserverd';
/** A peer has not come to an end; what it has left ends with this process. */
let isLate = false;

/** @param options `quick` for a minute instead of half an hour; `out`, the folder for disturb.md and the plots */
export async function run({ quick = false, out } = {}) {
  leaveNoTraces();
  const plan = quick ? QUICK : FULL;
  const lines = [];
  const say = (text) => {
    lines.push(text);
    console.log(text);
  };
  const { peers, remove } = await findPeers(plan.workers);
  try {
    say(`${cpus().length} cores (${cpus()[0].model}), Node ${process.version}, Linux ${release()}, load average ${loadavg().map((load) => load.toFixed(1)).join(', ')} in the beginning.`);
    say(`${plan.workers} workers; ${plan.load.channels} grpc-js clients with ${plan.load.inFlight} calls of 10 ms in flight each, no retries.${quick ? ' Quick: all peers at once, so figures say nothing.' : ''}`);
    for (const question of QUESTIONS) {
      say(`\n### ${question.title(plan)}\n`);
      const all = quick ? await Promise.all(peers.map((peer) => ask(question, peer, plan))) : await inOrder(peers, (peer) => ask(question, peer, plan));
      const results = all.filter(({ result }) => result !== null);
      say(formatTable(question.head, results.map(({ name, result }) => [name, ...question.row(result, plan)])));
      for (const { name, error } of all) if (error !== undefined) say(`\n${name} could not be measured: ${error}`);
      for (const { name, result, error } of all) if (name.startsWith(OURS)) hold(name, error === undefined ? question.broken(result, plan) : [error], say);
      if (out === undefined) continue;
      save(out, `disturb-${question.name}.svg`, question.plot(results, plan));
      save(out, 'disturb.md', `${lines.join('\n')}\n`);
    }
  } finally {
    await remove();
  }
  if (isLate) process.exit(1);
}

async function inOrder(peers, measure) {
  const results = [];
  for (const peer of peers) results.push(await measure(peer));
  return results;
}

/** All rounds of a question; what goes wrong is told, and costs no other peer its figures. */
async function ask(question, peer, plan) {
  const over = new AbortController();
  const late = pause(plan.question, null, { ref: false, signal: over.signal }).then(() => {
    isLate = true;
    throw new Error(`not done after ${plan.question / 1000} s`);
  });
  late.catch(() => undefined);
  try {
    return { name: peer.name, result: await Promise.race([measureAll(question, peer, plan), late]) };
  } catch (error) {
    return { name: peer.name, result: null, error: String(error.message).split('\n')[0] };
  } finally {
    over.abort();
  }
}

async function measureAll(question, peer, plan) {
  if (question.rounds === undefined) return inScene(peer, plan, question.measure, question.DEADLINE);
  const results = [];
  for (let round = 0; round < question.rounds(plan); round += 1) results.push(await inScene(peer, plan, question.measure, question.DEADLINE));
  return results;
}

function hold(name, broken, say) {
  for (const promise of broken) {
    say(`\n${name}: MISSED: ${promise}`);
    process.exitCode = 1;
  }
}

function save(folder, name, text) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
}
