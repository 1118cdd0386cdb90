/** Routers and workers in this process, on real sockets: link servers with a grpc-js Server each, and routers before them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import grpc from '@grpc/grpc-js';
import type { ClientLimit } from '#src/shared/client-limits.js';
import type { RouterLimits } from '#src/ipc/router-messages.js';
import { UnitOwner } from '#src/primary/unit-owner.js';
import { Router } from '#src/router/router.js';
import type { WorkerPlace } from '#src/router/routed-worker.js';
import { systemClock, type Clock } from '#src/shared/clock.js';
import { LinkServer } from '#src/worker/link-server.js';
import type { Kind, LooseHandler } from './call-rig.js';
import { Deadline } from './deadline.js';
import { LIMITS } from './front-pair.js';
import { BYTES_SERVICE } from './lean-rig.js';
import { RawClient } from './raw-client.js';
import { TempDir } from './temp-dir.js';

export const ROUTER_LIMITS: RouterLimits = { ...LIMITS, queueTimeout: 5000 };

export type Handlers = Partial<Record<Kind, LooseHandler>>;

/** A link server with a grpc-js Server of its own. */
export class RigWorker {
  readonly place: WorkerPlace;
  readonly links: LinkServer;
  readonly faults: string[] = [];
  readonly limited: ClientLimit[] = [];

  constructor(place: WorkerPlace, handlers: Handlers) {
    this.place = place;
    const server = new grpc.Server();
    server.addService(BYTES_SERVICE, handlers as unknown as grpc.UntypedServiceImplementation);
    this.links = new LinkServer({
      server,
      interceptors: [],
      maxMetadataSize: ROUTER_LIMITS.maxMetadataSize,
      clock: systemClock,
      onFault: (reason) => this.faults.push(reason),
      onLimit: (limit) => this.limited.push(limit),
    });
  }
}

/** A router that listens. */
export class RigRouter {
  readonly router: Router;
  readonly faults: string[] = [];
  readonly limited: ClientLimit[] = [];
  /** Workers that it said have no link any more. */
  readonly left: number[] = [];
  /** How often it asked for units. */
  asked = 0;
  readonly #server: Server;

  constructor(limits: RouterLimits, clock: Clock, units: UnitOwner) {
    const borrower = {
      lend: (count: number | null, isAlone: boolean) => void setImmediate(() => this.router.units.lend(count, isAlone)),
      reclaim: (count: number, when: 'now' | 'later') => void setImmediate(() => this.router.units.reclaim(count, when)),
    };
    this.router = new Router({
      limits,
      clock,
      random: () => 0.5,
      units: {
        // As messages between processes: later, and in order.
        ask: (count) => {
          this.asked += 1;
          setImmediate(() => units.wanted(borrower, count));
        },
        giveBack: (count, when) => void setImmediate(() => units.returned(borrower, count, when)),
      },
      onFault: (_peer, fault) => this.faults.push(fault.message),
      onLimit: (limit) => this.limited.push(limit),
      onWorkerLeft: (id) => this.left.push(id),
    });
    units.add(borrower);
    this.#server = createServer({ noDelay: true }, (socket) => {
      socket.on('error', () => undefined);
      this.router.accept(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  close(): void {
    this.#server.close();
    this.router.close();
  }
}

export interface RouterRigOptions {
  /** By the index of the worker; one entry for each. */
  readonly workers?: readonly Handlers[];
  readonly routers?: number;
  readonly limits?: Partial<RouterLimits>;
  readonly clock?: Clock;
  /** maximumConcurrentRpcs. */
  readonly cap?: number;
}

export class RouterRig implements AsyncDisposable {
  readonly deadline = new Deadline(60_000);
  readonly folder = new TempDir();
  readonly workers: RigWorker[] = [];
  readonly routers: RigRouter[] = [];
  readonly units: UnitOwner;
  readonly #clients: grpc.Client[] = [];

  private constructor(cap: number | undefined) {
    this.units = new UnitOwner(cap ?? null);
  }

  static async start({ workers = [], routers = 1, limits = {}, clock = systemClock, cap }: RouterRigOptions = {}): Promise<RouterRig> {
    const rig = new RouterRig(cap);
    for (let index = 0; index < routers; index += 1) {
      const router = new RigRouter({ ...ROUTER_LIMITS, ...limits }, clock, rig.units);
      await router.listen();
      rig.routers.push(router);
    }
    for (const handlers of workers) rig.admit(await rig.addWorker(handlers));
    // What units say comes later.
    await new Promise((resolve) => setImmediate(resolve));
    return rig;
  }

  get router(): Router {
    return this.first.router;
  }

  get first(): RigRouter {
    const [router] = this.routers;
    assert(router);
    return router;
  }

  /** Listens, but is not admitted yet. */
  async addWorker(handlers: Handlers): Promise<RigWorker> {
    const index = this.workers.length;
    const worker = new RigWorker({ id: index + 1, slot: index, generation: 1, path: this.folder.join(`${index}.sock`) }, handlers);
    await worker.links.listen(worker.place.path);
    this.workers.push(worker);
    return worker;
  }

  admit({ place }: { readonly place: WorkerPlace }): void {
    for (const { router } of this.routers) router.admitWorker(place);
  }

  /** With a connection of its own. */
  client(router = this.first, options: grpc.ClientOptions = {}): grpc.Client {
    const client = new grpc.Client(router.address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1, ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Greeted. */
  async rawClient(settings: Parameters<RawClient['greet']>[0] = {}, router = this.first): Promise<RawClient> {
    const client = await RawClient.connect(router.port);
    client.greet(settings);
    await client.settle();
    return client;
  }

  async until(isSo: () => boolean, what: string): Promise<void> {
    await this.deadline.poll(() => (isSo() ? true : undefined), what, () => JSON.stringify(this.routers.map(({ router }) => router.statistics()), null, 2));
  }

  /** Resolves when no call and no wait is left in any router, and nothing is held back. */
  async quiet(): Promise<void> {
    await this.until(
      () => this.routers.every(({ router }) => {
        const { inFlight, waiting, buffered } = router.statistics();
        return inFlight === 0 && waiting === 0 && buffered === 0 && router.units.taken === 0;
      }),
      'quiet routers',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quiet();
    for (const client of this.#clients) client.close();
    for (const router of this.routers) router.close();
    await this.until(() => this.routers.every(({ router }) => router.statistics().connections === 0), 'closed connections');
    await this.until(() => this.workers.every(({ links }) => links.connections === 0), 'closed links');
    for (const { links, faults } of this.workers) {
      links.destroyAll();
      assert.deepEqual(faults, []);
    }
    this.folder[Symbol.dispose]();
  }
}

export interface Answer {
  readonly code: grpc.status;
  readonly details: string;
  readonly messages: readonly Buffer[];
  readonly call: grpc.Call;
}

/** Makes a call whose messages are bytes. */
export function call(client: grpc.Client, kind: Kind, messages: readonly Buffer[] = [Buffer.from('hello')], onCall: (call: grpc.Call) => void = () => undefined): Promise<Answer> {
  const { path, requestSerialize, responseDeserialize, requestStream } = BYTES_SERVICE[kind];
  // All kinds look like this one to whoever writes and reads streams.
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, { deadline: Date.now() + 60_000 });
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    stream.on('data', (message: Buffer) => received.push(message));
    stream.on('error', () => undefined);
    stream.on('status', ({ code, details }: grpc.StatusObject) => setImmediate(() => resolve({ code, details, messages: received, call: stream })));
    for (const message of messages) stream.write(message);
    if (requestStream || messages.length > 0) stream.end();
    onCall(stream);
  });
}
