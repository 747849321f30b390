import { describe, expect, it } from 'vitest';
import { recorded } from '../../test/api';
import { balances, barsOf, factsOf } from './judge';

const rows = (read: number | null, loaded: number, rejected: number, duplicate: number) => ({
  rows_read: read,
  rows_loaded: loaded,
  rows_rejected: rejected,
  rows_duplicate: duplicate,
});

describe('the rows of a run', () => {
  it.each([
    [rows(10, 7, 2, 1), true],
    [rows(10, 10, 0, 0), true],
    [rows(0, 0, 0, 0), true],
    [rows(10, 7, 2, 0), false],
    [rows(10, 7, 2, 2), false],
    [rows(null, 0, 0, 0), null],
  ])('%o balance: %s', (counted, expected) => expect(balances(counted)).toBe(expected));
});

describe('the steps of a run', () => {
  const step = (name: string, second: number, seconds?: number) => ({
    name,
    started_at: new Date(second * 1000).toISOString(),
    ...(seconds !== undefined && { seconds }),
  });
  const run = (steps: ReturnType<typeof step>[], finished: number | null) => ({
    started_at_utc: new Date(0).toISOString(),
    finished_at_utc: finished === null ? null : new Date(finished * 1000).toISOString(),
    steps,
  });

  it('stand where they were in the whole of it', () => {
    const bars = barsOf(run([step('a', 0, 5), step('b', 5, 10)], 20));
    expect(bars.map(({ left, width }) => [left, width])).toEqual([
      [0, 25],
      [25, 50],
    ]);
  });

  it('are seen however short, and never stick out', () => {
    const [bar] = barsOf(run([step('a', 1000, 0)], 1000));
    expect(bar?.width).toBeGreaterThan(0);
    expect((bar?.left ?? 0) + (bar?.width ?? 0)).toBeLessThanOrEqual(100);
  });

  it('still going on reach to now', () => {
    const bars = barsOf(run([step('a', 0, 5), step('b', 5)], null));
    expect(bars.at(-1)?.left).toBeGreaterThanOrEqual(0);
    expect((bars.at(-1)?.left ?? 0) + (bars.at(-1)?.width ?? 0)).toBeCloseTo(100);
  });

  it('say of themselves all but what is shown elsewhere', () => {
    const load = recorded.run.steps.find(({ name }) => name === 'load');
    if (!load) throw new Error('a loading step is needed');
    expect(factsOf(load).map(([name]) => name)).toEqual(['read', 'loaded', 'rejected']);
  });
});
