// Figures of paired runs, and how they are printed.

/** @returns {{min: number, median: number, max: number}} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return { min: sorted[0], median: (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2, max: sorted.at(-1) };
}

/** `1.05 (1.01-1.10)` */
export function formatSpread(values, digits) {
  const { min, median, max } = spread(values);
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}

/** Runs `measure` on every subject in each round, and starts each round with another one. Resolves to one list of results a subject. */
export async function inTurn(rounds, subjects, measure) {
  const results = subjects.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let step = 0; step < subjects.length; step += 1) {
      const index = (round + step) % subjects.length;
      results[index].push(await measure(subjects[index]));
    }
  }
  return results;
}

/** A table in Markdown whose columns also line up as plain text. */
export function formatTable(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const [first, ...others] = cells.map(line);
  return [first, `|${widths.map((width, column) => (column === 0 ? `:${'-'.repeat(width + 1)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`, ...others].join('\n');
}

export function printTable(head, rows) {
  console.log(formatTable(head, rows));
}

/** Compares with the goal, says so, and makes the exit code 1 when it is missed. */
export function judge(name, value, goal, unit) {
  const met = value <= goal;
  console.log(`\n${name}: ${value.toFixed(2)}${unit}, goal ${goal}${unit}: ${met ? 'met' : 'MISSED'}`);
  if (!met) process.exitCode = 1;
}

/** The same, for a ratio that is to be large. */
export function atLeast(name, value, goal) {
  const met = value >= goal;
  console.log(`\n${name}: ${value.toFixed(2)}x, goal ${goal}x at least: ${met ? 'met' : 'MISSED'}`);
  if (!met) process.exitCode = 1;
}
