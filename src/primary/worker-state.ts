/**
 * Runs in the primary. THE life of a worker: states x events -> next state and what to do. Nothing else decides a
 * worker's state. Pure; the supervisor performs the actions, and `deadline-of.ts` says how long a state may last.
 *
 *   starting ──ready──▶ ready ──drain / silent──▶ draining ──exit──▶ gone
 *      └──────────── drain, deadline, exit ──────────┘
 */
export const WORKER_STATES = ['starting', 'ready', 'draining', 'gone'] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/**
 * ready: it says that it serves. heartbeat: any sign of life. drain: it shall leave. deadline: its state has
 * lasted too long. exit: the process was seen to end.
 */
export const WORKER_EVENTS = ['ready', 'heartbeat', 'drain', 'deadline', 'exit'] as const;
export type WorkerEvent = (typeof WORKER_EVENTS)[number];

/**
 * admit: into the choice for new connections; withdraw: out of it. send-drain: ask it to finish and exit.
 * kill: SIGKILL. crashed: count it against the slot's budget.
 */
export type WorkerAction = 'admit' | 'withdraw' | 'send-drain' | 'kill' | 'crashed';

export interface Cell {
  readonly next: WorkerState;
  readonly actions: readonly WorkerAction[];
}

const to = (next: WorkerState, ...actions: WorkerAction[]): Cell => ({ next, actions });

export const LIFE: Readonly<Record<WorkerState, Readonly<Record<WorkerEvent, Cell>>>> = {
  starting: {
    ready: to('ready', 'admit'),
    heartbeat: to('starting'),
    // It serves nobody yet, so there is nothing to finish.
    drain: to('draining', 'kill'),
    deadline: to('draining', 'kill', 'crashed'),
    exit: to('gone', 'crashed'),
  },
  ready: {
    ready: to('ready'),
    heartbeat: to('ready'),
    drain: to('draining', 'withdraw', 'send-drain'),
    // Silent. If it comes to itself it finds the order to drain; if not, the next deadline kills it.
    deadline: to('draining', 'withdraw', 'send-drain', 'crashed'),
    exit: to('gone', 'withdraw', 'crashed'),
  },
  draining: {
    // Too late: it was told to go.
    ready: to('draining'),
    heartbeat: to('draining'),
    // The first reason counts.
    drain: to('draining'),
    // Again and again until the exit is seen: a killed process is not gone before that.
    deadline: to('draining', 'kill'),
    exit: to('gone'),
  },
  gone: {
    ready: to('gone'),
    heartbeat: to('gone'),
    drain: to('gone'),
    deadline: to('gone'),
    exit: to('gone'),
  },
};
