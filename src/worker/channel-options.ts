/** Runs in a worker. The settings that grpc-js itself carries out, in its own words. */
import type { ServerOptions } from '@grpc/grpc-js';
import type { Config } from '../config/options.js';

/** What -1 means to grpc-js. */
const UNLIMITED = -1;
/** grpc-js has no "off" for timers; this is what its own defaults are. */
const NEVER = 2 ** 31 - 1;
/** Memory of one HTTP/2 session, in MB: without it a client that stops reading can pin answers without end. */
const SESSION_MEMORY = 256;

export function channelOptions(config: Config): ServerOptions {
  return {
    'grpc.max_receive_message_length': config.maxReceiveMessageLength ?? UNLIMITED,
    'grpc.max_send_message_length': config.maxSendMessageLength ?? UNLIMITED,
    'grpc.keepalive_time_ms': config.keepalive.time ?? NEVER,
    'grpc.keepalive_timeout_ms': config.keepalive.timeout,
    'grpc.max_connection_age_ms': config.maxConnectionAge ?? NEVER,
    'grpc.max_connection_age_grace_ms': config.maxConnectionAgeGrace,
    'grpc.max_connection_idle_ms': config.maxConnectionIdle ?? NEVER,
    'grpc.max_concurrent_streams': config.maxConcurrentStreams,
    'grpc.enable_channelz': config.channelz ? 1 : 0,
    'grpc-node.max_session_memory': SESSION_MEMORY,
    // The user's word is the last.
    ...config.options,
  };
}
