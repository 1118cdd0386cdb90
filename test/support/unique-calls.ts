import type { CallOrder, Outcome, Peer } from './calls.js';
import { probeOrder } from './probe.js';

/** Headers that come back from the test service, of their own for each call; what is worth indexing comes three times. */
export function uniqueHeaders(n: number): [name: string, value: string][] {
  const token = `token-${Math.floor(n / 3)}`;
  return [['authorization', token], ['echo-token', token], [`echo-name-${n % 7}`, `unique-${n}`]];
}

/** What is wrong with the headers of the answer; null when nothing is. */
export function findForeignHeader(n: number, status: string, headers: ReadonlyMap<string, string>): string | null {
  if (status !== 'OK' && status !== '0') return `call ${n}: ${status}`;
  const wanted = new Map(uniqueHeaders(n).map(([name, value]) => [name === 'authorization' ? 'echo-authorization' : name, value]));
  for (const [name, value] of wanted) {
    const got = headers.get(name);
    if (got !== value) return `call ${n}: ${name} is ${got ?? 'missing'} instead of ${value}`;
  }
  const foreign = [...headers.keys()].find((name) => name.startsWith('echo-') && !wanted.has(name));
  return foreign === undefined ? null : `call ${n}: ${foreign} is of another call`;
}

/** Makes calls with a number each, some at a time. @returns what was wrong with them */
export async function makeUniqueCalls(calls: number, inFlight: number, call: (n: number) => Promise<string | null>): Promise<string[]> {
  const wrong: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let n = next++; n < calls; n = next++) {
      const problem = await call(n);
      if (problem !== null) wrong.push(problem);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return wrong;
}

/** The same by a gRPC client. */
export async function callUniquely(peer: Peer, n: number): Promise<string | null> {
  const order: CallOrder = probeOrder('Probe/Reflect', {}, { metadata: uniqueHeaders(n), timeoutMs: 60_000 });
  const { code, headers }: Outcome = await peer.call(order);
  return findForeignHeader(n, code, new Map(Object.entries(headers).map(([name, values]) => [name, values.join(', ')])));
}
