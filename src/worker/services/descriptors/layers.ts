/** Runs in workers: which file has to come before which. */

/**
 * Puts every node above what it uses: into the layer after the highest that it needs. Nodes of one group may share a
 * layer, and use each other there.
 * @returns Node -> layer, from 0; undefined when groups need each other in a circle.
 */
export function layers(
  nodes: readonly string[], uses: (node: string) => Iterable<string>, groupOf: (node: string) => string,
): Map<string, number> | undefined {
  const layer = new Map(nodes.map((node) => [node, 0]));
  // Without a circle, each round settles at least one more layer, and there are no more layers than nodes.
  for (let round = 0; round <= nodes.length; round += 1) {
    let isSettled = true;
    for (const node of nodes) {
      for (const used of uses(node)) {
        const least = (layer.get(used) ?? 0) + (groupOf(used) === groupOf(node) ? 0 : 1);
        if (least <= (layer.get(node) ?? 0)) continue;
        layer.set(node, least);
        isSettled = false;
      }
    }
    if (isSettled) return layer;
  }
  return undefined;
}
