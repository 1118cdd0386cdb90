/** The file descriptor on which a worker finds the daemon's standard output; 1 and 2 belong to user code. */
export const WORKER_LOG_FD = 4;
