import { describe, expect, it } from 'vitest';
import { changedFills, classOf, fillsOf, NO_FILL, NO_VALUE } from './classes';

const EDGES = [0, 10, 20, 50];

describe('classes', () => {
  it.each([
    [0, 0],
    [9.99, 0],
    [10, 1],
    [20, 2],
    [50, 2],
  ])('put %d in class %d: lower edge in, upper edge out, save the last', (value, expected) => {
    expect(classOf(value, EDGES)).toBe(expected);
  });

  it('keep what lies beyond the fixed edges in the outer classes', () => {
    expect(classOf(-5, EDGES)).toBe(0);
    expect(classOf(9000, EDGES)).toBe(2);
  });

  it('give zero a class and absence none', () => {
    expect(classOf(0, EDGES)).not.toBe(NO_VALUE);
    expect([null, undefined, Number.NaN].map((value) => classOf(value, EDGES))).toEqual([
      NO_VALUE,
      NO_VALUE,
      NO_VALUE,
    ]);
  });
});

describe('fills', () => {
  const colours = ['low', 'mid', 'high'];
  const before = fillsOf(
    new Map([
      ['a', 5],
      ['b', 15],
      ['c', 30],
    ]),
    EDGES,
    colours,
  );

  it('follow the class', () => {
    expect([...before]).toEqual([
      ['a', 'low'],
      ['b', 'mid'],
      ['c', 'high'],
    ]);
  });

  it('change only where the class changed, however the values moved', () => {
    const after = fillsOf(
      new Map([
        ['a', 9],
        ['b', 25],
        ['c', 40],
      ]),
      EDGES,
      colours,
    );
    expect(changedFills(['a', 'b', 'c', 'd'], before, after)).toEqual([['b', 'high']]);
  });

  it('let the hatch through where a value went away', () => {
    const after = fillsOf(
      new Map([
        ['a', 5],
        ['b', 15],
      ]),
      EDGES,
      colours,
    );
    expect(changedFills(['a', 'b', 'c'], before, after)).toEqual([['c', NO_FILL]]);
  });

  it('touch everything the first time, those without value too', () => {
    expect(changedFills(['a', 'd'], null, before)).toEqual([
      ['a', 'low'],
      ['d', NO_FILL],
    ]);
  });
});
