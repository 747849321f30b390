import { describe, expect, it } from 'vitest';
import { daysOf, isRetryable, linesOf, mayProcess, STATE_OF_COLOUR, stateOfTarget } from './judge';
import type { Deviation } from './types';

const deviation = (key: string, days: [string, number | null][]): Deviation => ({
  key,
  planned_kg: 1,
  fed_kg: 1,
  deviation_kg: 0,
  deviation_pc: 0,
  absolute_kg: 0,
  rows: 1,
  status: 'VERDE',
  files: [],
  series: days.map(([date, deviation_pc]) => ({
    date,
    planned_kg: 1,
    fed_kg: 1,
    deviation_kg: 0,
    deviation_pc,
    status: null,
  })),
});

describe('deviations over time', () => {
  it('have every day any of them has, in order', () => {
    const items = [
      deviation('A', [
        ['2026-11-02', 1],
        ['2026-11-03', 2],
      ]),
      deviation('B', [['2026-11-01', 3]]),
    ];
    expect(daysOf(items)).toEqual(['2026-11-01', '2026-11-02', '2026-11-03']);
  });

  it('are drawn for the worst five, the first of them in front; nothing planned is a hole', () => {
    const items = ['A', 'B', 'C', 'D', 'E', 'F'].map((key) => deviation(key, [['d', null]]));
    const lines = linesOf(items);
    expect(lines.map(({ name }) => name)).toEqual(['A', 'B', 'C', 'D', 'E']);
    expect(lines.map(({ kind }) => kind)).toEqual(['self', ...Array(4).fill('other')]);
    expect(lines[0]?.points).toEqual([{ period: 'd', value: null }]);
  });
});

describe('a file', () => {
  it.each([
    ['loaded', true],
    ['partly_loaded', true],
    ['failed', true],
    ['refused', true],
    ['processing', false],
    ['received', false],
    ['duplicate', false],
    ['awaiting_mapping', false],
  ] as const)('that is %s may be processed again: %s', (state, may) =>
    expect(mayProcess(state)).toBe(may),
  );
});

describe('what is judged', () => {
  it('is unknown where nothing was measured, never fine', () => {
    expect(STATE_OF_COLOUR.no_data).toBe('unknown');
    expect([stateOfTarget(null), stateOfTarget(false), stateOfTarget(true)]).toEqual([
      'unknown',
      'critical',
      'ok',
    ]);
  });

  it('is done again only where that may help', () => {
    expect(isRetryable({ error_type: 'permanent' })).toBe(false);
    expect(isRetryable({ error_type: 'rate_limited' })).toBe(true);
  });
});
