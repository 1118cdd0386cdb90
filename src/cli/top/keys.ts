/** The keys in what a terminal in raw mode sent: characters, and `escape` for Esc alone; other keys are left out. */
export function keysIn(chunk: string): string[] {
  const keys: string[] = [];
  // Arrows, function keys and pastes come as sequences that begin with an escape.
  // eslint-disable-next-line no-control-regex -- an escape is what it looks for
  for (const [key] of chunk.matchAll(/\u001B(?:\[[\d;?]*[ -/]*[@-~]|O.|[^[O])|\u001B|[^]/gu)) {
    if (key === '\u001B') keys.push('escape');
    else if (!key.startsWith('\u001B')) keys.push(key);
  }
  return keys;
}
