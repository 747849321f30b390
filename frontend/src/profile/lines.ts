import type { ComparedSeries, Point } from '../api/types';

export type Scale = 'value' | 'index';

/** A series this many times larger than the territory itself would flatten it to the floor. */
const DWARFS = 8;

function largest(points: readonly Point[]): number {
  return Math.max(0, ...points.map(({ value }) => Math.abs(value ?? 0)));
}

export function valueAt(series: Pick<ComparedSeries, 'points'>, period: string): number | null {
  return series.points.find((point) => point.period === period)?.value ?? null;
}

/** The series that can share an axis of plain values with the territory, and those too large for it. */
export function fitting(series: readonly ComparedSeries[]): {
  fit: ComparedSeries[];
  tooLarge: ComparedSeries[];
} {
  const self = series.find(({ kind }) => kind === 'self');
  const reach = DWARFS * (self ? largest(self.points) : 0);
  const tooLarge = series.filter(
    ({ kind, points }) => kind !== 'self' && reach > 0 && largest(points) > reach,
  );
  return { fit: series.filter((one) => !tooLarge.includes(one)), tooLarge };
}

/** The first period in which the territory has something to be 100 of. */
export function basePeriod(series: readonly ComparedSeries[]): string | null {
  const self = series.find(({ kind }) => kind === 'self');
  return self?.points.find(({ value }) => value !== null && value > 0)?.period ?? null;
}

/** Every series as a percentage of its own value at the base; one without a base cannot be drawn. */
export function indexed(series: readonly ComparedSeries[], base: string): ComparedSeries[] {
  return series.flatMap((one) => {
    const hundred = valueAt(one, base);
    if (hundred === null || hundred <= 0) return [];
    const points = one.points.map(({ period, value }) => ({
      period,
      value: value === null ? null : (100 * value) / hundred,
    }));
    return [{ ...one, points }];
  });
}

/** Index where plain values would flatten the territory, plain values where they do not. */
export function suitedScale(series: readonly ComparedSeries[]): Scale {
  return fitting(series).tooLarge.length > 0 && basePeriod(series) !== null ? 'index' : 'value';
}

/** First and last points that have a value: what a chart's title can truthfully say. */
export function ends(points: readonly Point[]): [first: Point, last: Point] | null {
  const known = points.filter(({ value }) => value !== null);
  const first = known[0];
  const last = known.at(-1);
  return first && last && first !== last ? [first, last] : null;
}

/** Every period of every series once, in order: the rows of the chart's table. */
export function periodsOf(series: readonly Pick<ComparedSeries, 'points'>[]): string[] {
  return [...new Set(series.flatMap(({ points }) => points.map(({ period }) => period)))].sort();
}

/**
 * Moves heights apart until no two are closer than `gap`, keeping their order and none beyond
 * `lowest`; null stays null. In pixels, from the top.
 */
export function setApart(
  heights: readonly (number | null)[],
  gap: number,
  lowest: number,
): (number | null)[] {
  const order = heights
    .flatMap((height, index) => (height === null ? [] : [{ index, height }]))
    .sort((a, b) => a.height - b.height);
  let above = Number.NEGATIVE_INFINITY;
  for (const one of order) {
    one.height = Math.max(one.height, above + gap);
    above = one.height;
  }
  let below = lowest + gap;
  for (const one of order.toReversed()) {
    one.height = Math.min(one.height, below - gap);
    below = one.height;
  }
  const moved = new Map(order.map(({ index, height }) => [index, height]));
  return heights.map((_, index) => moved.get(index) ?? null);
}
