/** Height of every table row, in CSS pixels; the stylesheet uses the same figure. */
export const ROW_PX = 32;
const SPARE_ROWS = 8;

export interface RowWindow {
  first: number;
  /** One past the last. */
  end: number;
}

/** Which rows of a long list have to exist, given where it is scrolled to. */
export function rowWindow(scrollTop: number, height: number, count: number): RowWindow {
  const shown = Math.ceil(height / ROW_PX);
  const top = Math.floor(scrollTop / ROW_PX);
  const first = Math.max(0, Math.min(top - SPARE_ROWS, count - shown - SPARE_ROWS));
  return { first, end: Math.min(count, Math.max(top, 0) + shown + SPARE_ROWS) };
}

/**
 * The rows that exist: those of the window, and always the one the keyboard stands on. Without it
 * a list scrolled away from there would have no stop for the Tab key, and a focused row would vanish.
 */
export function rowsDrawn({ first, end }: RowWindow, kept: number, count: number): number[] {
  const window = Array.from({ length: Math.max(0, end - first) }, (_, nth) => first + nth);
  if (count === 0 || (kept >= first && kept < end)) return window;
  return kept < first ? [kept, ...window] : [...window, kept];
}

/** Where to scroll so that a row is wholly seen; null when it already is. */
export function scrollFor(
  index: number,
  scrollTop: number,
  height: number,
  head: number,
): number | null {
  const top = index * ROW_PX;
  const bottom = top + ROW_PX;
  if (top < scrollTop) return top;
  if (bottom > scrollTop + height - head) return bottom - height + head;
  return null;
}

/** Where to scroll so that a row stands in the middle: for one chosen elsewhere. */
export function scrollToMiddle(index: number, height: number, head: number): number {
  return Math.max(0, (index + 0.5) * ROW_PX - (height - head) / 2);
}

/** The row a key leads to; null when the key does not walk rows. */
export function rowAfterKey(
  key: string,
  index: number,
  count: number,
  page: number,
): number | null {
  const last = count - 1;
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, index + 1);
    case 'ArrowUp':
      return Math.max(0, index - 1);
    case 'PageDown':
      return Math.min(last, index + page);
    case 'PageUp':
      return Math.max(0, index - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}
