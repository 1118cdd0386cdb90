/**
 * With `transport: lean` the connections are ours: grpc-js, which never sees one, would take these channel options and
 * do nothing. Each is an option of its own here.
 */
export const FRONT_OPTIONS: Readonly<Record<string, string>> = {
  'grpc.keepalive_time_ms': 'keepalive.time',
  'grpc.keepalive_timeout_ms': 'keepalive.timeout',
  'grpc.max_connection_age_ms': 'maxConnectionAge',
  'grpc.max_connection_age_grace_ms': 'maxConnectionAgeGrace',
  'grpc.max_connection_idle_ms': 'maxConnectionIdle',
  'grpc.max_concurrent_streams': 'maxConcurrentStreams',
};
