import { describe, expect, it } from 'vitest';
import { recorded } from '../../test/api';
import { dayBounds, troubled } from './judge';

describe('a day of the reader', () => {
  it('begins and ends at midnight where the reader is', () => {
    const bounds = dayBounds('2026-11-22');
    expect(bounds?.begins).toBe(new Date(2026, 10, 22).toISOString());
    expect(bounds?.ends).toBe(new Date(2026, 10, 23).toISOString());
    expect(dayBounds('2026-12-31')?.ends).toBe(new Date(2027, 0, 1).toISOString());
  });

  it.each([undefined, '', '2026-11', '2026-13-01', '2026-02-30', 'ontem'])('is not %s', (day) => {
    expect(dayBounds(day)).toBeUndefined();
  });
});

describe('the chains that ask for a person', () => {
  it('are those that are not ok, broken ones first', () => {
    const [one] = recorded.auditStreams.items;
    const chains = ['unknown', 'ok', 'fail', 'warn'].map((state) => ({ ...one, state }));
    const found = troubled({ ...recorded.auditStreams, items: chains } as never);
    expect(found.map(({ state }) => state)).toEqual(['fail', 'warn', 'unknown']);
  });
});
