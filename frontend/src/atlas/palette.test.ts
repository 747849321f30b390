import { describe, expect, it } from 'vitest';
import { coloursOf, GROUND, type Scheme } from './palette';

type Rgb = [number, number, number];

function rgb(hex: string): Rgb {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as Rgb;
}

function luminance(hex: string): number {
  const [r, g, b] = rgb(hex).map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4,
  ) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Machado et al. (2009), full strength: how the most common colour blindnesses see a colour. */
const BLIND: Record<string, number[][]> = {
  deuteranopia: [
    [0.367, 0.861, -0.228],
    [0.28, 0.673, 0.047],
    [-0.012, 0.043, 0.969],
  ],
  protanopia: [
    [0.152, 1.053, -0.205],
    [0.115, 0.786, 0.099],
    [-0.004, -0.048, 1.052],
  ],
  tritanopia: [
    [1.256, -0.077, -0.179],
    [-0.078, 0.931, 0.148],
    [0.005, 0.691, 0.304],
  ],
};

function seen(hex: string, matrix: number[][]): Rgb {
  const colour = rgb(hex);
  return matrix.map((row) => row.reduce((sum, k, i) => sum + k * (colour[i] ?? 0), 0)) as Rgb;
}

function distance(a: Rgb, b: Rgb): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

const SCHEMES: Scheme[] = ['light', 'dark'];
const sequential = { scale: 'sequential', center: null, classes: [0, 1, 2, 3, 4, 5, 6] } as const;
const excess = {
  scale: 'diverging',
  center: 0,
  classes: [-100, -40, -20, -5, 5, 20, 40, 400],
} as const;
const mutable = (one: typeof sequential | typeof excess) => ({ ...one, classes: [...one.classes] });

describe.each(SCHEMES)('palettes on %s', (scheme) => {
  it('give each class one colour of its own', () => {
    for (const indicator of [mutable(sequential), mutable(excess)]) {
      const colours = coloursOf(indicator, scheme);
      expect(colours).toHaveLength(indicator.classes.length - 1);
      expect(new Set(colours).size).toBe(colours.length);
    }
  });

  it('run in one direction of lightness, so that they read in grey too', () => {
    const steps = coloursOf(mutable(sequential), scheme).map(luminance);
    const sorted = [...steps].sort((a, b) => (scheme === 'light' ? b - a : a - b));
    expect(steps).toEqual(sorted);
  });

  it.each(Object.entries(BLIND))('keep neighbouring classes apart under %s', (_, matrix) => {
    for (const indicator of [mutable(sequential), mutable(excess)]) {
      const colours = coloursOf(indicator, scheme).map((colour) => seen(colour, matrix));
      colours.slice(1).forEach((colour, index) => {
        expect(distance(colour, colours[index] as Rgb)).toBeGreaterThan(0.08);
      });
    }
  });

  it('put the neutral colour on the class that holds the centre, and no other', () => {
    const colours = coloursOf(mutable(excess), scheme);
    const [below, centre, above] = [colours.slice(0, 3), colours[3], colours.slice(4)];
    expect([...below, ...above]).not.toContain(centre);
    const [r, g, b] = rgb(centre ?? '');
    expect(Math.max(r, g, b) - Math.min(r, g, b)).toBeLessThan(0.06);
  });

  it('keep land without value unlike any class and unlike the paper', () => {
    const { land, paper } = GROUND[scheme];
    expect(coloursOf(mutable(sequential), scheme)).not.toContain(land);
    expect(distance(rgb(land), rgb(paper))).toBeGreaterThan(0.04);
  });
});

describe('a diverging scale around a centre on an edge', () => {
  it('has no neutral class', () => {
    const onEdge = { scale: 'diverging' as const, center: 0, classes: [-10, 0, 10] };
    expect(coloursOf(onEdge, 'light')).toHaveLength(2);
    expect(coloursOf(onEdge, 'light')).not.toContain('#f1eee6');
  });
});
