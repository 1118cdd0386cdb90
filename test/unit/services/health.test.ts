import assert from 'node:assert/strict';
import { on, once } from 'node:events';
import { describe, test } from 'node:test';
import { credentials, makeClientConstructor, status, type Client, type ClientReadableStream } from '@grpc/grpc-js';
import { createHealth, type Health } from '#src/worker/services/health.js';
import { BareServer } from '../../support/bare-server.js';

type Answer = { status?: string; statuses?: Record<string, { status: string }> };
type HealthClient = Client & {
  check(request: object, callback: (error: Error | null, answer: Answer) => void): void;
  list(request: object, callback: (error: Error | null, answer: Answer) => void): void;
  watch(request: object): ClientReadableStream<Answer>;
};

class Rig implements AsyncDisposable {
  readonly health: Health;
  readonly client: HealthClient;
  readonly #server: BareServer;

  private constructor(health: Health, server: BareServer) {
    const Constructor = makeClientConstructor(health.definition, 'Health');
    this.health = health;
    this.client = new Constructor(server.address, credentials.createInsecure()) as unknown as HealthClient;
    this.#server = server;
  }

  static async start(services: Iterable<string>): Promise<Rig> {
    const health = createHealth(services);
    return new Rig(health, await BareServer.start([health]));
  }

  check(service: string): Promise<string | undefined> {
    return new Promise((resolve, reject) =>
      this.client.check({ service }, (error, answer) => (error === null ? resolve(answer.status) : reject(error))),
    );
  }

  list(): Promise<Record<string, string>> {
    return new Promise((resolve, reject) =>
      this.client.list({}, (error, answer) =>
        error === null
          ? resolve(Object.fromEntries(Object.entries(answer.statuses ?? {}).map(([name, { status: each }]) => [name, each])))
          : reject(error),
      ),
    );
  }

  /** The statuses of a service as they come. */
  watch(service: string): AsyncDisposable & { next(): Promise<string | undefined> } {
    const call = this.client.watch({ service });
    const answers = on(call, 'data') as AsyncIterator<[Answer]>;
    return {
      next: async () => ((await answers.next()) as IteratorYieldResult<[Answer]>).value[0].status,
      [Symbol.asyncDispose]: async () => {
        const ended = once(call, 'error');
        call.cancel();
        await ended;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.#server[Symbol.asyncDispose]();
  }
}

describe('health', () => {
  test('answers for the whole server and for each service, NOT_SERVING until it serves', async () => {
    await using rig = await Rig.start(['a.A', 'b.B']);
    for (const service of ['', 'a.A', 'b.B']) assert.equal(await rig.check(service), 'NOT_SERVING');
    rig.health.setServing();
    for (const service of ['', 'a.A', 'b.B']) assert.equal(await rig.check(service), 'SERVING');
    rig.health.setNotServing();
    for (const service of ['', 'a.A', 'b.B']) assert.equal(await rig.check(service), 'NOT_SERVING');
  });

  test('has no answer for a service that nobody added', async () => {
    await using rig = await Rig.start(['a.A']);
    await assert.rejects(rig.check('a.Other'), { code: status.NOT_FOUND });
  });

  test('lists the status of everything', async () => {
    await using rig = await Rig.start(['a.A']);
    assert.deepEqual(await rig.list(), { '': 'NOT_SERVING', 'a.A': 'NOT_SERVING' });
    rig.health.setServing();
    assert.deepEqual(await rig.list(), { '': 'SERVING', 'a.A': 'SERVING' });
  });

  test('tells a watcher the status at once and every change of it', async () => {
    await using rig = await Rig.start(['a.A']);
    await using watcher = rig.watch('a.A');
    assert.equal(await watcher.next(), 'NOT_SERVING');
    rig.health.setServing();
    assert.equal(await watcher.next(), 'SERVING');
    rig.health.setNotServing();
    assert.equal(await watcher.next(), 'NOT_SERVING');
  });

  test('lets a client watch a service that comes later', async () => {
    const services = new Set(['a.A']);
    await using rig = await Rig.start(services);
    await using watcher = rig.watch('late.Service');
    assert.equal(await watcher.next(), 'SERVICE_UNKNOWN');
    services.add('late.Service');
    rig.health.setServing();
    assert.equal(await watcher.next(), 'SERVING');
  });
});
