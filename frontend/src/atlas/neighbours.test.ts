import { describe, expect, it } from 'vitest';
import type { Shapes } from '../api/queries';
import { recorded } from '../test/api';
import { type Direction, Neighbourhood, namePoint } from './neighbours';

function square(id: string, x: number, y: number, kind: 'municipality' | 'water' = 'municipality') {
  const ring = [
    [x, y],
    [x + 1, y],
    [x + 1, y + 1],
    [x, y + 1],
    [x, y],
  ];
  return {
    type: 'Feature' as const,
    properties: { id, kind },
    geometry: { type: 'Polygon' as const, coordinates: [ring] },
  };
}

const mesh: Shapes = {
  type: 'FeatureCollection',
  features: [
    square('centre', 0, 0),
    square('north', 0, 1),
    square('east', 1, 0),
    square('lagoon', 0, -1, 'water'),
    square('island', 0, -9),
  ],
};

describe('the neighbourhood', () => {
  const map = new Neighbourhood(mesh);

  it('knows who shares a border', () => {
    expect(map.of('centre').sort()).toEqual(['east', 'north']);
    expect(map.of('island')).toEqual([]);
  });

  it.each<[Direction, string]>([
    ['north', 'north'],
    ['east', 'east'],
  ])('steps %s to the neighbour there', (direction, expected) => {
    expect(map.step('centre', direction)).toBe(expected);
  });

  it('crosses water to the nearest land, and water is no place to stand', () => {
    expect(map.step('centre', 'south')).toBe('island');
    expect(map.of('lagoon')).toEqual([]);
  });

  it('stays when nothing lies that way', () => {
    expect(map.step('centre', 'west')).toBeNull();
  });

  it('starts from the place nearest the middle of the screen', () => {
    expect(map.closest(0.4, -8)).toBe('island');
  });

  it('finds real neighbours in the simplified mesh', () => {
    const real = new Neighbourhood(recorded.shapes as unknown as Shapes);
    // Datas, Gouveia, Couto de Magalhães de Minas and Serro border Diamantina; São Paulo does not.
    expect(real.of('3121605')).toEqual(
      expect.arrayContaining(['3121001', '3127602', '3120102', '3167103']),
    );
    expect(real.of('3121605')).not.toContain('3550308');
  });
});

describe('where a name belongs', () => {
  it('is amid the largest part, however far away an island lies', () => {
    const main = square('main', 0, 0).geometry.coordinates;
    const island = [[...[9, 9.1, 9.1, 9].map((x, nth) => [x, nth < 2 ? 5 : 5.1]), [9, 5]]];
    const shape = {
      ...square('state', 0, 0),
      geometry: { type: 'MultiPolygon' as const, coordinates: [island, main] },
    };
    expect(namePoint(shape)).toEqual([0.5, 0.5]);
  });
});
