// Who is compared. A peer is `{ name, isSingle?, prepare, start }`: `prepare({ isQuick })` gives null, or why it cannot
// be had here; `start({ workers, port, block })` resolves, when it is ready, to `{ pids, stop }`, where `pids()` are all
// processes that have a part in serving, and handlers block their worker `block` milliseconds. One that `isSingle` is
// one process, whatever the number of workers.
import { go, pythonProcesses, pythonThreads } from './elsewhere.js';
import { byCall, byConnection, overHttp2 } from './grpcserverd.js';
import { haproxy } from './haproxy.js';
import { grpcJs, http2, nodeCluster, pm2 } from './on-node.js';

export const PEERS = [grpcJs, nodeCluster, pm2, haproxy, pythonThreads, pythonProcesses, go, http2, overHttp2, byConnection, byCall];
