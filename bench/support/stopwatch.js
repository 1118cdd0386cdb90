// Nanoseconds that an operation takes, best and median of several rounds, in this process.
import { printTable, spread } from './figures.js';

const ROUNDS = 7;
const WARM_UP = 3;

/**
 * @param operations by name; each is a function that does it `count` times
 * @param count of one round
 */
export function printTimes(operations, count) {
  printTable(
    ['operation', 'ns, least', 'median'],
    Object.entries(operations).map(([name, repeat]) => {
      const rounds = Array.from({ length: WARM_UP + ROUNDS }, () => time(repeat, count)).slice(WARM_UP);
      const { min, median } = spread(rounds);
      return [name, min.toFixed(0), median.toFixed(0)];
    }),
  );
}

function time(repeat, count) {
  const since = process.hrtime.bigint();
  repeat(count);
  return Number(process.hrtime.bigint() - since) / count;
}
