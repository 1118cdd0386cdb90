/** Time as a parameter: the daemon takes a Clock wherever it waits, so that tests can turn it by hand. */
export interface Clock {
  /** Milliseconds since the epoch, for logs and ages that people read. */
  now(): number;
  /** Milliseconds on a clock that never jumps back, for deadlines. */
  monotonic(): number;
  /** Calls back once after `ms`; the function returned cancels it. The timer alone keeps no process alive. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
