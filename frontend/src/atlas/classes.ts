/** Stands for "has no value": drawn hatched, never as a class of its own. */
export const NO_VALUE = -1;

/**
 * The class a value falls in, given ascending edges: class i is [edges[i], edges[i+1]).
 * The last class keeps its upper edge, and a value beyond the outer edges (a later, larger
 * period) stays in the outer class: edges are fixed across time, values are not.
 */
export function classOf(value: number | null | undefined, edges: readonly number[]): number {
  if (value === null || value === undefined || Number.isNaN(value)) return NO_VALUE;
  const last = edges.length - 2;
  if (last < 0) return NO_VALUE;
  let index = 0;
  while (index < last && value >= (edges[index + 1] ?? Number.POSITIVE_INFINITY)) index += 1;
  return index;
}

/** How many classes the edges make. */
export function classCount(edges: readonly number[]): number {
  return Math.max(0, edges.length - 1);
}

/** Lets the hatch below show through: the fill of a territory without value. */
export const NO_FILL = 'rgba(0, 0, 0, 0)';

/** The fill of every territory that has a value. */
export function fillsOf(
  values: ReadonlyMap<string, number>,
  edges: readonly number[],
  colours: readonly string[],
): Map<string, string> {
  const fills = new Map<string, string>();
  for (const [id, value] of values) fills.set(id, colours[classOf(value, edges)] ?? NO_FILL);
  return fills;
}

/** The ids whose fill differs between two pictures, with the new one: all a redraw has to touch. */
export function changedFills(
  ids: Iterable<string>,
  before: ReadonlyMap<string, string> | null,
  after: ReadonlyMap<string, string>,
): [id: string, fill: string][] {
  const changed: [string, string][] = [];
  for (const id of ids) {
    const now = after.get(id) ?? NO_FILL;
    if (before === null || (before.get(id) ?? NO_FILL) !== now) changed.push([id, now]);
  }
  return changed;
}
