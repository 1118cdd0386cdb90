/**
 * Runs in the primary. The listening socket, which lives as long as the primary: no restart of a worker closes the
 * port. Accepted sockets are paused, or the bytes read here would be missing in the worker.
 */
import { closeSync, fstatSync, linkSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { isListening } from '../control/probe-socket.js';
import type { HandedSocket } from '../ipc/upgrade-messages.js';
import { DaemonError, systemCode, toError } from '../shared/errors.js';
import { describePortOwner } from './port-owner.js';
import type { PassedSocket } from './systemd/environment.js';
import { socketPath } from './systemd/socket-path.js';

/** Connections that the kernel keeps while the primary is busy. */
const BACKLOG = 1024;
/** Longest path of a unix socket on Linux, in bytes. */
const LONGEST_PATH = 107;
/** For a socket that was passed, the kernel's own limit: they also wait while one daemon goes and the next one comes. */
const LONGEST_BACKLOG = 2 ** 31 - 1;

export interface Listener {
  /** host:port with the bound port, or unix:/path. */
  readonly address: string;
  /** null for unix sockets. */
  readonly port: number | null;
  /** Its descriptor, for another process that shall have it too. */
  readonly fd: number;
  /** Begins to accept, if it does not yet. @throws DaemonError E_ADDRESS */
  accept(): Promise<void>;
  /** Closes the port at once; a unix socket's file goes with it. */
  close(): void;
  /** Accepts no more, and leaves the port and its file to whoever else has the socket. */
  leave(): void;
}

export interface ListenerEvents {
  onSocket(socket: Socket): void;
  /** Accepting failed; EMFILE and ENFILE are the usual reasons. */
  onError(error: Error): void;
}

/**
 * @param host a name, an address, or unix:/path
 * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION
 */
export async function listen(host: string, port: number, events: ListenerEvents): Promise<Listener> {
  return host.startsWith('unix:') ? listenUnix(host.slice('unix:'.length), events) : listenTcp(host, port, events);
}

async function listenUnix(path: string, events: ListenerEvents): Promise<Listener> {
  const address = `unix:${path}`;
  if (await isListening(path)) {
    throw new DaemonError('E_ADDRESS', `${address} is taken: another process listens there`);
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSocket()) throw new DaemonError('E_ADDRESS', `${address}: there is a file that is no socket`);
  // Nobody listens there, so the socket is what a killed daemon left.
  rmSync(path, { force: true });
  // libuv removes the file that it has bound when it closes, though another process serves the socket by then. So it
  // binds another name, and the one that is wanted is ours.
  const own = ownName(path);
  const server = makeServer();
  try {
    await bind(server, { path: own });
    linkSync(own, path);
    rmSync(own);
  } catch (error) {
    server.close();
    throw refusal(address, error);
  }
  const listener = open(server, address, null, events);
  return {
    ...listener,
    close() {
      rmSync(path, { force: true });
      listener.close();
    },
  };
}

let names = 0;

/** A name beside `path` that nobody else takes; where there is room one that tells whose it is, for people who list sockets. */
function ownName(path: string): string {
  const mark = `${process.pid.toString(36)}-${(names++).toString(36)}`;
  const telling = `${path}.${mark}`;
  return Buffer.byteLength(telling) <= LONGEST_PATH ? telling : join(dirname(path), mark);
}

async function listenTcp(host: string, port: number, events: ListenerEvents): Promise<Listener> {
  const server = makeServer();
  const bound = await bind(server, { host, port }).then(
    () => host,
    async (error: unknown) => {
      // A machine without IPv6: every address is every IPv4 address.
      if (host !== '::' || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')) {
        throw refusal(`${bracket(host)}:${port}`, error, port);
      }
      await bind(server, { host: '0.0.0.0', port }).catch((again: unknown) => {
        throw refusal(`0.0.0.0:${port}`, again, port);
      });
      return '0.0.0.0';
    },
  );
  const actual = server.address();
  const boundPort = actual !== null && typeof actual === 'object' ? actual.port : port;
  return open(server, `${bracket(bound)}:${boundPort}`, boundPort, events);
}

/**
 * Takes over a socket that listens already; closing it takes nothing from whoever passed it, nor a unix socket's file.
 * @throws DaemonError E_ADDRESS
 */
export async function adopt({ fd, name }: PassedSocket, events: ListenerEvents): Promise<Listener> {
  const server = await serve(fd, name);
  const bound = server.address();
  if (bound === null || typeof bound !== 'object') return open(server, `unix:${socketPath(fd) ?? `descriptor ${fd}`}`, null, events);
  return open(server, `${bracket(bound.address)}:${bound.port}`, bound.port, events);
}

/**
 * A socket on which the daemon that this one is to replace accepts; this one does so when it is told to.
 * @throws DaemonError E_ADDRESS
 */
export function inherit({ fd, role, name, address, boundPort }: HandedSocket, events: ListenerEvents): Listener {
  if (!fstatSync(fd).isSocket()) throw new DaemonError('E_ADDRESS', `Descriptor ${fd}, which was handed over, is no socket`);
  let server: Server | null = null;
  const leave = (): void => {
    if (server === null) closeSync(fd);
    else server.close();
  };
  return {
    address,
    port: boundPort,
    fd,
    async accept() {
      if (server !== null) return;
      server = await serve(fd, name);
      follow(server, events);
    },
    leave,
    close() {
      // Nobody else will remove the file, but for those of a service manager, and while the old one may still need it.
      if (server !== null && role !== 'passed' && address.startsWith('unix:')) rmSync(address.slice('unix:'.length), { force: true });
      leave();
    },
  };
}

async function serve(fd: number, name: string | null): Promise<Server> {
  const server = makeServer();
  try {
    if (!fstatSync(fd).isSocket()) throw new Error('it is no socket');
    await bind(server, { fd, backlog: LONGEST_BACKLOG });
    return server;
  } catch (error) {
    throw new DaemonError('E_ADDRESS', `Cannot listen on descriptor ${fd}${name === null ? '' : ` (${name})`}, which was passed in LISTEN_FDS: ${toError(error).message}`, {
      hint: 'A socket unit passes sockets that can be served with ListenStream= and Accept=no.',
      cause: error,
    });
  }
}

function makeServer(): Server {
  return createServer({ pauseOnConnect: true, noDelay: true });
}

function bind(server: Server, where: { path: string } | { host: string; port: number } | { fd: number; backlog: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ backlog: BACKLOG, ...where }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function open(server: Server, address: string, port: number | null, events: ListenerEvents): Listener {
  follow(server, events);
  const close = (): void => void server.close();
  return { address, port, fd: descriptorOf(server), accept: () => Promise.resolve(), close, leave: close };
}

function follow(server: Server, events: ListenerEvents): void {
  server.on('connection', (socket) => events.onSocket(socket));
  server.on('error', (error) => events.onError(error));
}

/** Node tells it nowhere else. */
const descriptorOf = (server: Server): number => (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host);

function refusal(address: string, error: unknown, port?: number): DaemonError {
  switch (systemCode(error) ?? '') {
    case 'EADDRINUSE': {
      const owner = port === undefined ? null : describePortOwner(port);
      return new DaemonError('E_ADDRESS', `${address} is taken${owner === null ? ' by another process' : ` by ${owner}`}`, { cause: error });
    }
    case 'EADDRNOTAVAIL':
      return new DaemonError('E_ADDRESS', `${address} is not an address of this machine`, { cause: error });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new DaemonError('E_ADDRESS', `${address}: the host name is not known`, { cause: error });
    case 'EACCES':
      return new DaemonError('E_ADDRESS_PERMISSION', `This user may not listen on ${address}`, { cause: error });
    default:
      return new DaemonError('E_ADDRESS', `Cannot listen on ${address}: ${toError(error).message}`, { cause: error });
  }
}
