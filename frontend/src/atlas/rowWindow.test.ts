import { describe, expect, it } from 'vitest';
import { ROW_PX, rowAfterKey, rowsDrawn, rowWindow, scrollFor } from './rowWindow';

const HEIGHT = 10 * ROW_PX;

describe('the window on a long list', () => {
  it('makes a few dozen rows of thousands, wherever it is scrolled', () => {
    for (const top of [0, 1000, 100000, 5570 * ROW_PX]) {
      const { first, end } = rowWindow(top, HEIGHT, 5570);
      expect(end - first).toBeGreaterThanOrEqual(10);
      expect(end - first).toBeLessThan(40);
    }
  });

  it('covers everything that is in sight', () => {
    const { first, end } = rowWindow(500 * ROW_PX, HEIGHT, 5570);
    expect(first).toBeLessThanOrEqual(500);
    expect(end).toBeGreaterThanOrEqual(510);
  });

  it('never asks for a row that is not there', () => {
    expect(rowWindow(0, HEIGHT, 3)).toEqual({ first: 0, end: 3 });
    expect(rowWindow(9999, HEIGHT, 0)).toEqual({ first: 0, end: 0 });
  });

  it('keeps the row the keyboard stands on, in its place, wherever the list is scrolled', () => {
    const window = { first: 10, end: 13 };
    expect(rowsDrawn(window, 11, 20)).toEqual([10, 11, 12]);
    expect(rowsDrawn(window, 2, 20)).toEqual([2, 10, 11, 12]);
    expect(rowsDrawn(window, 13, 20)).toEqual([10, 11, 12, 13]);
    expect(rowsDrawn({ first: 0, end: 0 }, 0, 0)).toEqual([]);
  });

  it('scrolls no further than a row needs, and not at all for one in sight', () => {
    expect(scrollFor(5, 0, HEIGHT, 0)).toBeNull();
    expect(scrollFor(10, 0, HEIGHT, 0)).toBe(ROW_PX);
    expect(scrollFor(2, 5 * ROW_PX, HEIGHT, 0)).toBe(2 * ROW_PX);
  });

  it.each([
    ['ArrowDown', 4, 5],
    ['ArrowDown', 9, 9],
    ['ArrowUp', 0, 0],
    ['PageDown', 4, 9],
    ['PageUp', 4, 0],
    ['Home', 4, 0],
    ['End', 4, 9],
    ['a', 4, null],
  ])('%s from row %d leads to %s', (key, from, to) => {
    expect(rowAfterKey(key, from, 10, 6)).toBe(to);
  });
});
