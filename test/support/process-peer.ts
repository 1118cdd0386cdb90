import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { deferred, type Deferred } from '#src/shared/deferred.js';
import { CALL_TIMEOUT, type CallOrder, type ClientTls, type Load, type Outcome, type Peer, type Tally } from './calls.js';
import { testEnvironment } from './cli.js';
import { codeName } from './open-call.js';

/** A line that a client program prints; test/peers/python/client.py has the protocol. */
interface Reply {
  readonly id: number;
  readonly outcome?: Omit<Outcome<string>, 'code' | 'messages'> & { readonly code: number; readonly messages: readonly string[] | null };
  readonly loading?: true;
  readonly tally?: Tally;
}

/** A gRPC client in another language, in a process of its own, ordered about through its stdin. */
export class ProcessPeer implements Peer {
  readonly #process: ChildProcess;
  /** What has no reply yet, and nothing else: a soak asks for hundreds of thousands of calls. */
  readonly #waiting = new Map<number, Deferred<Reply>>();
  #failure: Error | null = null;
  #stderr = '';
  #lastId = 0;

  constructor(command: readonly [string, ...string[]], address: string, tls?: ClientTls) {
    const [program, ...args] = command;
    const options = tls === undefined ? [] : Object.entries(tls).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = spawn(program, [...args, address, ...options], { env: testEnvironment(), stdio: 'pipe' });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('pipes were asked for');
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    createInterface({ input: stdout }).on('line', (line) => {
      const reply = JSON.parse(line) as Reply;
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      waiting?.resolve(reply);
    });
    this.#process.once('error', (error) => this.#fail(error));
    this.#process.once('exit', (code, signal) => this.#fail(new Error(`${program} ended: ${code ?? signal}\n${this.#stderr}`)));
  }

  async call(order: CallOrder): Promise<Outcome> {
    const { outcome } = await this.#ask({ call: wireForm(order) });
    if (outcome === undefined) throw new Error('a call was answered without an outcome');
    return { ...outcome, code: codeName(outcome.code), messages: (outcome.messages ?? []).map((message) => Buffer.from(message, 'base64')) };
  }

  load(order: CallOrder, inFlight: number): Load {
    const id = (this.#lastId += 1);
    const loading = this.#ask({ load: { call: wireForm(order), inFlight } }, id).then(() => undefined);
    const stop = async (): Promise<Tally> => {
      const { tally } = await this.#ask({ stop: true }, id);
      if (tally === undefined) throw new Error('a load was stopped without a tally');
      const named = <T>(map: Readonly<Record<string, T>>): Record<string, T> =>
        Object.fromEntries(Object.entries(map).map(([code, value]) => [codeName(Number(code)), value]));
      return { calls: tally.calls, codes: named(tally.codes), details: named(tally.details) };
    };
    return { loading, stop };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.stdin?.end();
    this.#process.kill();
    await once(this.#process, 'exit');
  }

  #ask(order: object, id = (this.#lastId += 1)): Promise<Reply> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const reply = deferred<Reply>();
    this.#waiting.set(id, reply);
    this.#process.stdin?.write(`${JSON.stringify({ id, ...order })}\n`);
    return reply.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const reply of this.#waiting.values()) reply.reject(error);
    this.#waiting.clear();
  }
}

function wireForm(order: CallOrder): object {
  return { timeoutMs: CALL_TIMEOUT, ...order, send: order.send.map((message) => message.toString('base64')) };
}
