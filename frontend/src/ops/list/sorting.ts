/** Which column a list is sorted by; in the address `name`, or `-name` for descending. */
export interface ListSort {
  column: string;
  descending: boolean;
}

export function listSortOf(text: string | undefined, usual: ListSort): ListSort {
  if (!text) return usual;
  const descending = text.startsWith('-');
  return { column: descending ? text.slice(1) : text, descending };
}

export function listSortText({ column, descending }: ListSort): string {
  return `${descending ? '-' : ''}${column}`;
}

export type Sortable = string | number | null | undefined;

const collator = new Intl.Collator('pt-BR', { numeric: true, sensitivity: 'base' });

function compare(a: Sortable, b: Sortable): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}

/**
 * Sorted by one value, and among equals by the key: the same order every time, so that pages hold
 * still. What has no value comes last whichever way.
 */
export function sorted<T>(
  items: readonly T[],
  worth: (item: T) => Sortable,
  descending: boolean,
  keyOf: (item: T) => string,
): T[] {
  const empty = (value: Sortable) => value === null || value === undefined || value === '';
  return [...items].sort((a, b) => {
    const [left, right] = [worth(a), worth(b)];
    if (empty(left) !== empty(right)) return empty(left) ? 1 : -1;
    const way = empty(left) ? 0 : compare(left, right) * (descending ? -1 : 1);
    return way || collator.compare(keyOf(a), keyOf(b));
  });
}
