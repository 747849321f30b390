import { describe, expect, it } from 'vitest';
import { listSortOf, listSortText, sorted } from './sorting';

const keyOf = ({ id }: { id: string }) => id;

describe('the order of a list', () => {
  const items = [
    { id: 'c', n: 2 as number | null },
    { id: 'a', n: 10 },
    { id: 'd', n: null },
    { id: 'b', n: 2 },
  ];
  const order = (descending: boolean) =>
    sorted(items, ({ n }) => n, descending, keyOf)
      .map(keyOf)
      .join('');

  it('has equals by their key and what is missing last, both ways', () => {
    expect(order(false)).toBe('bcad');
    expect(order(true)).toBe('abcd');
  });

  it('leaves what it was given as it was', () => {
    order(true);
    expect(items.map(keyOf).join('')).toBe('cadb');
  });

  it('compares text as people do: accents and case aside, numbers by value', () => {
    const texts = ['item 10', 'Ítem 9', 'zebra', 'Água'].map((id) => ({ id }));
    expect(sorted(texts, keyOf, false, keyOf).map(keyOf)).toEqual([
      'Água',
      'Ítem 9',
      'item 10',
      'zebra',
    ]);
  });

  it('is written in the address and read back', () => {
    const usual = { column: 'age', descending: true };
    for (const text of ['name', '-name']) {
      expect(listSortText(listSortOf(text, usual))).toBe(text);
    }
    expect(listSortOf(undefined, usual)).toBe(usual);
  });
});
