/** Numbers in 0..1 that a seed repeats (a Lehmer generator). */
export function randomFrom(seed: number): () => number {
  const modulus = 2 ** 31 - 1;
  let state = (seed % (modulus - 1)) + 1;
  const next = (): number => {
    state = (state * 48_271) % modulus;
    return state / modulus;
  };
  // The first number of a small seed is always a small one.
  for (let skipped = 0; skipped < 3; skipped += 1) next();
  return next;
}
