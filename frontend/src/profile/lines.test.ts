import { describe, expect, it } from 'vitest';
import type { ComparedSeries, SeriesKind } from '../api/types';
import { basePeriod, ends, fitting, indexed, periodsOf, setApart, suitedScale } from './lines';

function series(kind: SeriesKind, values: (number | null)[]): ComparedSeries {
  const points = values.map((value, index) => ({ period: String(2015 + index), value }));
  return { territory_id: kind, name: kind, kind, points };
}

const self = series('self', [null, 10, 20]);
const peer = series('peer', [8, 12, 15]);
const state = series('state', [900, 1000, 1500]);

describe('lines side by side', () => {
  it('keep what would flatten the territory off an axis of plain values', () => {
    const { fit, tooLarge } = fitting([self, peer, state]);
    expect(fit.map(({ kind }) => kind)).toEqual(['self', 'peer']);
    expect(tooLarge.map(({ kind }) => kind)).toEqual(['state']);
  });

  it('become an index only when plain values do not fit', () => {
    expect(suitedScale([self, state])).toBe('index');
    expect(suitedScale([self, peer])).toBe('value');
  });

  it('stand at 100 in the first period the territory has something to be 100 of', () => {
    expect(basePeriod([self, state])).toBe('2016');
    const [one, other] = indexed([self, state], '2016');
    expect(one?.points.map(({ value }) => value)).toEqual([null, 100, 200]);
    expect(other?.points.map(({ value }) => value)).toEqual([90, 100, 150]);
  });

  it('leave out what has no base rather than divide by zero', () => {
    expect(indexed([self, series('peer', [1, 0, 5])], '2016').map(({ kind }) => kind)).toEqual([
      'self',
    ]);
    expect(basePeriod([series('self', [0, null])])).toBeNull();
    expect(suitedScale([series('self', [0, 0]), state])).toBe('value');
  });

  it('have ends only where two periods have a value', () => {
    expect(ends(self.points)?.map(({ period }) => period)).toEqual(['2016', '2017']);
    expect(ends([{ period: '2019', value: 3 }])).toBeNull();
  });

  it('share one ordered list of periods', () => {
    const late = { points: [{ period: '2014', value: 1 }] };
    expect(periodsOf([self, late])).toEqual(['2014', '2015', '2016', '2017']);
  });

  it('sets names apart in their order, moves no more than needed and none out of the picture', () => {
    expect(setApart([50, 10, null, 52], 13, 100)).toEqual([50, 10, null, 63]);
    expect(setApart([95, 99, 97], 13, 100)).toEqual([74, 100, 87]);
    expect(setApart([null], 13, 100)).toEqual([null]);
  });
});
