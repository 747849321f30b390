import type { Position } from 'geojson';
import type { Shapes } from '../api/queries';

export type Direction = 'north' | 'south' | 'east' | 'west';
export type Box = [west: number, south: number, east: number, north: number];

type Shape = Shapes['features'][number];

function ringsOf(shape: Shape): Position[][] {
  return shape.geometry.type === 'Polygon'
    ? shape.geometry.coordinates
    : shape.geometry.coordinates.flat();
}

function boxOfRings(rings: readonly Position[][]): Box {
  const box: Box = [180, 90, -180, -90];
  for (const ring of rings) {
    for (const [lng = 0, lat = 0] of ring) {
      box[0] = Math.min(box[0], lng);
      box[1] = Math.min(box[1], lat);
      box[2] = Math.max(box[2], lng);
      box[3] = Math.max(box[3], lat);
    }
  }
  return box;
}

export function boxOf(shape: Shape): Box {
  return boxOfRings(ringsOf(shape));
}

function centreOf([west, south, east, north]: Box): [number, number] {
  return [(west + east) / 2, (south + north) / 2];
}

/** Where a name belongs: amid the largest part. Far islands would draw it to another state. */
export function namePoint(shape: Shape): [number, number] {
  const boxes = ringsOf(shape).map((ring) => boxOfRings([ring]));
  const size = ([west, south, east, north]: Box) => (east - west) * (north - south);
  return centreOf(boxes.reduce((a, b) => (size(b) > size(a) ? b : a)));
}

/** How far off a direction something lies: 0 straight ahead, null when not ahead at all. */
function offCourse(dx: number, dy: number, direction: Direction): number | null {
  const ahead = { north: dy, south: -dy, east: dx, west: -dx }[direction];
  const aside = direction === 'north' || direction === 'south' ? Math.abs(dx) : Math.abs(dy);
  return ahead > 0 && aside <= ahead * 1.5 ? Math.hypot(dx, dy) + aside : null;
}

/**
 * Who borders whom. The mesh is simplified as a coverage, so neighbours share their border's
 * vertices exactly and touching is a matter of equal points, with no geometry to compute.
 */
export class Neighbourhood {
  private readonly centres = new Map<string, [number, number]>();
  private readonly boxes = new Map<string, Box>();
  private readonly touching = new Map<string, Set<string>>();

  constructor(shapes: Shapes) {
    const owners = new Map<string, string[]>();
    for (const shape of shapes.features) {
      if (shape.properties.kind === 'water') continue;
      const { id } = shape.properties;
      const box = boxOf(shape);
      this.boxes.set(id, box);
      this.centres.set(id, centreOf(box));
      this.touching.set(id, new Set());
      for (const point of ringsOf(shape).flat()) this.meet(owners, `${point[0]},${point[1]}`, id);
    }
  }

  private meet(owners: Map<string, string[]>, point: string, id: string): void {
    const present = owners.get(point);
    if (!present) {
      owners.set(point, [id]);
      return;
    }
    if (present.includes(id)) return;
    for (const other of present) {
      this.touching.get(other)?.add(id);
      this.touching.get(id)?.add(other);
    }
    present.push(id);
  }

  box(id: string): Box | undefined {
    return this.boxes.get(id);
  }

  of(id: string): string[] {
    return [...(this.touching.get(id) ?? [])];
  }

  private nearest(id: string, candidates: Iterable<string>, direction: Direction): string | null {
    const from = this.centres.get(id);
    let best: string | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const other of candidates) {
      const to = this.centres.get(other);
      if (!from || !to || other === id) continue;
      const cost = offCourse(to[0] - from[0], to[1] - from[1], direction);
      if (cost !== null && cost < least) {
        least = cost;
        best = other;
      }
    }
    return best;
  }

  /** The neighbour that way; where none touches (an island, a coast) the nearest place that way. */
  step(id: string, direction: Direction): string | null {
    return (
      this.nearest(id, this.of(id), direction) ?? this.nearest(id, this.centres.keys(), direction)
    );
  }

  /** Where a walk starts when nothing is selected: the place nearest a point of the map. */
  closest(lng: number, lat: number): string | null {
    let best: string | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const [id, [x, y]] of this.centres) {
      const distance = Math.hypot(x - lng, y - lat);
      if (distance < least) {
        least = distance;
        best = id;
      }
    }
    return best;
  }
}
