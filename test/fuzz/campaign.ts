import { Chance } from './chance.js';
import { bytesOf } from './frames.js';
import { FrameMaker } from './generated.js';
import { MemorySocket } from './memory-socket.js';
import { mutate } from './mutated.js';
import { Neighbour } from './neighbour.js';
import { LeanTarget, RouterTarget, type Target } from './target.js';
import { WireWatch } from './wire-watch.js';

export type Mode = 'lean' | 'router';

/** What one client has sent, chunk by chunk; the rest of its behaviour follows from the seed. */
export interface Case {
  readonly seed: number;
  readonly chunks: readonly Buffer[];
}

export interface Figures {
  frames: number;
  connections: number;
  neighbourCalls: number;
}

export class Finding extends Error {
  readonly found: Case;

  constructor(what: string, found: Case) {
    super(what);
    this.found = found;
  }
}

/** Turns of the event loop after which whatever is still there stays. */
const PATIENCE = 20_000;

/** As they are asked for: most connections end before all of them are sent. */
export function* chunksOf(seed: number): Generator<Buffer> {
  const chance = new Chance(seed);
  if (chance.is(0.4)) {
    yield* mutate(chance);
    return;
  }
  const client = new FrameMaker(chance);
  yield client.greeting();
  for (let count = 10 + chance.below(1000); count > 0; count -= 1) for (const frame of client.next()) yield bytesOf(frame);
}

/** Runs a client against the target. @throws Finding */
export async function runCase(target: Target, seed: number, chunks: Iterable<Buffer> = chunksOf(seed)): Promise<number> {
  const chance = new Chance(seed + 1);
  const sent: Buffer[] = [];
  const given: Case = { seed, chunks: sent };
  const watch = new WireWatch();
  const socket = new MemorySocket((bytes) => watch.receives(bytes));
  const connection = target.accept(socket);
  const check = (): void => {
    const found = [...watch.violations, ...connection.findViolations()];
    if (found.length > 0) throw new Finding(found.join('\n'), given);
  };
  const pace = chance.one([0.02, 0.1, 0.5]);
  try {
    for (const chunk of chunks) {
      // After that nobody knows what the server makes of it.
      if (connection.isClosed || socket.writableEnded || socket.destroyed) break;
      sent.push(chunk);
      if (chance.is(0.01)) socket.hold(chance.is(0.5));
      // So that the watch knows of it before the server answers.
      watch.sends(chunk);
      if (chance.is(0.05) && chunk.length > 1) {
        const cut = chance.below(chunk.length);
        socket.receive(chunk.subarray(0, cut));
        socket.receive(chunk.subarray(cut));
      } else {
        socket.receive(chunk);
      }
      check();
      if (!chance.is(pace)) continue;
      await new Promise(setImmediate);
      check();
    }
    socket.hold(false);
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    check();
  } finally {
    socket.destroy();
  }
  for (let turn = 0; target.findLeftovers().length > 0; turn += 1) {
    if (turn === PATIENCE) throw new Finding(`left behind: ${target.findLeftovers().join(', ')}`, given);
    await new Promise(setImmediate);
    target.passTime();
  }
  check();
  return watch.frames;
}

/** Fewer chunks that fail in the same way, as far as leaving out finds them. */
export async function shrink(mode: Mode, finding: Finding): Promise<Finding> {
  let smallest = finding;
  for (let size = Math.ceil(finding.found.chunks.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 1; at < smallest.found.chunks.length; ) {
      const { seed, chunks } = smallest.found;
      const smaller = await findingOf(mode, { seed, chunks: [...chunks.slice(0, at), ...chunks.slice(at + size)] });
      if (smaller === null) at += size;
      else smallest = smaller;
    }
  }
  return smallest;
}

async function findingOf(mode: Mode, given: Case): Promise<Finding | null> {
  await using target = await startTarget(mode);
  try {
    await runCase(target, given.seed, given.chunks);
    return null;
  } catch (error) {
    if (error instanceof Finding) return error;
    throw error;
  }
}

const startTarget = async (mode: Mode): Promise<Target> => (mode === 'lean' ? new LeanTarget() : RouterTarget.start());

/**
 * Runs cases until `isOver`, each from a seed of its own.
 * @throws Finding for the first that fails
 */
export async function campaign(mode: Mode, seed: number, isOver: (figures: Figures) => boolean): Promise<Figures> {
  await using target = await startTarget(mode);
  const neighbour = new Neighbour(target);
  const figures: Figures = { frames: 0, connections: 0, neighbourCalls: 0 };
  for (let next = seed; !isOver(figures); next += 1) {
    const [frames, trouble] = await Promise.all([runCase(target, next), neighbour.call()]);
    if (trouble !== null) throw new Finding(trouble, { seed: next, chunks: [...chunksOf(next)] });
    figures.frames += frames;
    figures.connections += 1;
    figures.neighbourCalls += 1;
  }
  neighbour.end();
  return figures;
}
