/** Upper ends of the buckets of grpc_server_handling_seconds, in seconds; workers count into them, the primary names them. */
export const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
