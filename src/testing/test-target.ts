// What tests talk to, whichever kind of server it is: its address, and clients of it.
import { Channel, credentials as grpcCredentials, type ChannelCredentials, type ChannelOptions, type Client, type ClientOptions } from '@grpc/grpc-js';
import { DescriptorRegistry } from '../worker/services/descriptor-registry.js';
import { createLoadProto, type LoadProto } from '../worker/services/load-proto.js';

export type ClientConstructor<C> = new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>) => C;

export interface TestClientOptions extends ClientOptions {
  /** Instead of the server's own: with a client certificate, for example. */
  readonly credentials?: ChannelCredentials;
}

/** A server that a test talks to. `await using` closes it, and so does `close()`. */
export interface TestTarget extends AsyncDisposable {
  /** Where it listens: `127.0.0.1:49152`. */
  readonly address: string;
  readonly port: number;
  /** What its clients connect with. */
  readonly credentials: ChannelCredentials;
  /** As in servicers, with the same options; relative paths start from the folder of the test server. */
  readonly loadProto: LoadProto;
  /** A client of any class that grpc-js or a code generator makes; closed with the server. */
  client<C extends Pick<Client, 'close'>>(constructor: ClientConstructor<C>, options?: TestClientOptions): C;
  /** Closes its clients, then itself, and leaves nothing behind; a second time it does nothing. */
  close(): Promise<void>;
}

interface Place {
  readonly port: number;
  readonly credentials: ChannelCredentials | undefined;
  /** For `loadProto`. */
  readonly folder: string;
}

/** What both kinds share. */
export abstract class ListeningTarget implements TestTarget {
  readonly port: number;
  readonly credentials: ChannelCredentials;
  readonly loadProto: LoadProto;
  readonly #clients: Pick<Client, 'close'>[] = [];
  #closed: Promise<void> | null = null;

  constructor({ port, credentials = grpcCredentials.createInsecure(), folder }: Place) {
    this.port = port;
    this.credentials = credentials;
    this.loadProto = createLoadProto(new DescriptorRegistry(), folder);
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  client<C extends Pick<Client, 'close'>>(constructor: ClientConstructor<C>, options: TestClientOptions = {}): C {
    const { credentials = this.credentials, ...rest } = options;
    const settings: ChannelOptions = {
      // Clients would otherwise share a connection, and tests wait for each other.
      'grpc.use_local_subchannel_pool': 1,
      // Certificates for development are for localhost, and newer Nodes refuse an address as a name in TLS.
      ...(credentials._isSecure() ? { 'grpc.ssl_target_name_override': 'localhost' } : {}),
      ...(rest as ChannelOptions),
    };
    // A channel of ours: the class may come from another copy of grpc-js, which takes no credentials but its own.
    const client = new constructor(this.address, credentials, { ...rest, channelOverride: new Channel(this.address, credentials, settings) });
    this.#clients.push(client);
    return client;
  }

  close(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    return (this.#closed ??= this.end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected abstract end(): Promise<void>;
}
