import type { Indicator } from '../api/types';

export type Scheme = 'light' | 'dark';

/**
 * Colours are told apart by people with any common colour vision, and in print:
 * YlGnBu on paper (dark is more), cividis on a dark ground (bright is more),
 * and PuOr around a named centre for change and excess (orange is above, purple below).
 */
const SEQUENTIAL: Record<Scheme, readonly string[]> = {
  light: ['#f5f3b7', '#c9e6b4', '#83cdbb', '#41b0c3', '#2283b6', '#23509c', '#0b1f59'],
  dark: ['#0a2c63', '#2f4470', '#525c6e', '#747475', '#9a8f72', '#c6b161', '#f7dd4d'],
};

const BELOW: Record<Scheme, readonly string[]> = {
  light: ['#3d1a6e', '#6b4c9a', '#9a86bf', '#c6bcdc'],
  dark: ['#cbb8f5', '#a48cdb', '#7a65ad', '#524775'],
};

const ABOVE: Record<Scheme, readonly string[]> = {
  light: ['#f6cf9b', '#ea9f4b', '#c96d13', '#8a4306'],
  dark: ['#6b4a22', '#a66a1f', '#de9230', '#ffc56b'],
};

const CENTRE: Record<Scheme, string> = { light: '#f1eee6', dark: '#34383b' };

/** Picks `count` colours evenly from a ramp, always keeping both ends. */
function spread(ramp: readonly string[], count: number): string[] {
  const last = ramp.length - 1;
  if (count === 1) return [ramp[Math.round(last / 2)] ?? ''];
  return Array.from(
    { length: count },
    (_, index) => ramp[Math.round((index * last) / (count - 1))] ?? '',
  );
}

/** The arm nearest the centre loses its far end first, so that the same step keeps its strength. */
function arm(ramp: readonly string[], count: number, far: 'first' | 'last'): string[] {
  if (count >= ramp.length) return spread(ramp, count);
  return far === 'first' ? ramp.slice(ramp.length - count) : ramp.slice(0, count);
}

function diverging(edges: readonly number[], center: number, scheme: Scheme): string[] {
  const tops = edges.slice(1);
  const below = tops.filter((top) => top <= center).length;
  const straddles = tops.some((top, index) => (edges[index] ?? center) < center && top > center);
  const above = tops.length - below - (straddles ? 1 : 0);
  return [
    ...arm(BELOW[scheme], below, 'first'),
    ...(straddles ? [CENTRE[scheme]] : []),
    ...arm(ABOVE[scheme], above, 'last'),
  ];
}

/** One colour per class of the indicator. */
export function coloursOf(
  indicator: Pick<Indicator, 'scale' | 'center' | 'classes'>,
  scheme: Scheme,
): string[] {
  const count = indicator.classes.length - 1;
  if (count < 1) return [];
  return indicator.scale === 'diverging'
    ? diverging(indicator.classes, indicator.center ?? 0, scheme)
    : spread(SEQUENTIAL[scheme], count);
}

/** What is not a class: ground, water, lines, and the hatch of "sem dado". */
export interface Ground {
  paper: string;
  land: string;
  hatch: string;
  water: string;
  hairline: string;
  border: string;
  state: string;
  graticule: string;
  pointed: string;
  selected: string;
  label: string;
  halo: string;
}

export const GROUND: Record<Scheme, Ground> = {
  light: {
    paper: '#eceae3',
    land: '#dedbd2',
    hatch: '#a8a397',
    water: '#a9c7d8',
    hairline: 'rgba(70, 66, 58, 0.13)',
    border: 'rgba(70, 66, 58, 0.28)',
    state: 'rgba(45, 42, 36, 0.75)',
    graticule: 'rgba(80, 90, 95, 0.16)',
    pointed: '#14120d',
    selected: '#b3261e',
    label: '#26231c',
    halo: 'rgba(250, 248, 242, 0.9)',
  },
  dark: {
    paper: '#14181a',
    land: '#23292c',
    hatch: '#4d565b',
    water: '#2c7180',
    hairline: 'rgba(8, 10, 11, 0.22)',
    border: 'rgba(8, 10, 11, 0.45)',
    state: 'rgba(226, 222, 208, 0.6)',
    graticule: 'rgba(200, 210, 215, 0.10)',
    pointed: '#ffffff',
    selected: '#ff8a73',
    label: '#eeebe2',
    halo: 'rgba(18, 22, 24, 0.9)',
  },
};
