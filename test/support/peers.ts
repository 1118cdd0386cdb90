import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ClientTls, Peer } from './calls.js';
import { GrpcJsPeer } from './grpc-js-peer.js';
import { ROOT } from './paths.js';
import { ProcessPeer } from './process-peer.js';
import { TempDir } from './temp-dir.js';

/** What some tests need besides Node, and the command that succeeds where it is installed. */
const TOOLS = {
  'python-grpc': { package: 'python3-grpcio', command: ['/usr/bin/python3', '-c', 'import grpc'] },
  'go-grpc': { package: 'golang-go golang-google-grpc-dev', command: ['go', 'version'], file: '/usr/share/gocode/src/google.golang.org/grpc/clientconn.go' },
  'python-hpack': { package: 'python3-hpack', command: ['/usr/bin/python3', '-c', 'import hpack'] },
  prometheus: { package: 'prometheus', command: ['promtool', '--version'] },
  h2load: { package: 'nghttp2-client', command: ['h2load', '--version'] },
  pty: { package: 'python3', command: ['/usr/bin/python3', '-c', 'import pty, termios'] },
  haproxy: { package: 'haproxy', command: ['haproxy', '-v'] },
  nginx: { package: 'nginx-light', command: ['nginx', '-v'] },
  protoc: { package: 'protobuf-compiler', command: ['protoc', '--version'] },
} as const satisfies Record<string, { package: string; command: readonly [string, ...string[]]; file?: string }>;

export type Tool = keyof typeof TOOLS;

/**
 * For the `skip` option of a test: false, or why the test cannot run here. In CI, which installs the tools,
 * a missing one is an error, so that no test is skipped there without anybody noticing.
 */
export function skipUnless(...tools: readonly Tool[]): string | false {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return false;
  const reason = `needs the Debian package ${missing.map((tool) => TOOLS[tool].package).join(' ')}`;
  if (process.env.CI !== undefined) throw new Error(reason);
  return reason;
}

function isInstalled(tool: Tool): boolean {
  const { command, file }: { command: readonly [string, ...string[]]; file?: string } = TOOLS[tool];
  const [program, ...args] = command;
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return file === undefined || existsSync(file);
  } catch {
    return false;
  }
}

/** A client in some language: whether it can run here, and how to connect it. */
export interface PeerKind {
  readonly name: string;
  readonly skip: string | false;
  connect(address: string, tls?: ClientTls): Peer;
}

export const grpcJs: PeerKind = { name: 'grpc-js', skip: false, connect: (address, tls) => new GrpcJsPeer(address, tls) };

export const python: PeerKind = {
  name: 'Python',
  skip: skipUnless('python-grpc'),
  connect: (address, tls) => new ProcessPeer(['/usr/bin/python3', `${ROOT}test/peers/python/client.py`], address, tls),
};

export const go: PeerKind = {
  name: 'Go',
  skip: skipUnless('go-grpc'),
  connect: (address, tls) => new ProcessPeer([goProgram('client')], address, tls),
};

const goPrograms = new Map<string, string>();

/** A program of test/peers/go, compiled against Debian's sources, offline, once a process; gone when the process ends. */
export function goProgram(name: string): string {
  const made = goPrograms.get(name);
  if (made !== undefined) return made;
  const dir = new TempDir();
  process.once('exit', () => dir[Symbol.dispose]());
  const binary = dir.join(name);
  execFileSync('go', ['build', '-o', binary, `${ROOT}test/peers/go/${name}.go`], {
    env: { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' },
  });
  goPrograms.set(name, binary);
  return binary;
}

export const PEERS: readonly PeerKind[] = [grpcJs, python, go];
