import { describe, expect, it } from 'vitest';
import { cellOfText, changedCells, isRow, textOfCell } from './cells';

describe('a cell', () => {
  it.each([
    ['12', 7, 12],
    ['1,5', 7, 1.5],
    ['-3', 7, -3],
    ['doze', 7, 'doze'],
    ['', 7, null],
    ['7', '07', '7'],
    ['', 'x', ''],
    ['MG', null, 'MG'],
    ['', null, null],
    ['true', false, true],
    ['{"a":1}', { a: 2 }, { a: 1 }],
    ['{"a"', { a: 2 }, '{"a"'],
  ])('typed as %j where there was %j becomes %j', (text, was, becomes) => {
    expect(cellOfText(text, was)).toEqual(becomes);
  });

  it('that was only looked at stays what it was', () => {
    for (const was of [7, 1.5, '07', null, true, { a: [1] }, ' x ']) {
      expect(cellOfText(textOfCell(was), was)).toBe(was);
    }
  });
});

describe('a row', () => {
  it('sends the cells that changed, and those only', () => {
    const row = { uf: '', deaths: 'x', year: 2019, city: 'Abatiá' };
    const typed = { uf: 'PR', deaths: 'x', year: '2020', city: 'Abatiá' };
    expect(changedCells(row, typed)).toEqual({ uf: 'PR', year: 2020 });
    expect(changedCells(row, {})).toEqual({});
  });

  it('is an object and nothing else', () => {
    expect([{}, [], null, 'x', 1].map(isRow)).toEqual([true, false, false, false, false]);
  });
});
