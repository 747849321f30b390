import type { FeatureCollection, LineString, Point, Polygon } from 'geojson';
import type { FilterSpecification, StyleSpecification } from 'maplibre-gl';
import type { Ground } from './palette';

export const EMPTY: FeatureCollection<Polygon> = { type: 'FeatureCollection', features: [] };
const FONT = ['Inter Variable'];
const LAND_ONLY: FilterSpecification = ['!=', ['get', 'kind'], 'water'];

/** Meridians and parallels each five degrees: an atlas page says where it is without any tile. */
export function graticule(): FeatureCollection<LineString> {
  const features: FeatureCollection<LineString>['features'] = [];
  const add = (coordinates: [number, number][]) =>
    features.push({
      type: 'Feature',
      properties: {},
      geometry: { type: 'LineString', coordinates },
    });
  for (let lng = -100; lng <= 0; lng += 5)
    add([
      [lng, -55],
      [lng, 25],
    ]);
  for (let lat = -55; lat <= 25; lat += 5)
    add([
      [-100, lat],
      [0, lat],
    ]);
  return { type: 'FeatureCollection', features };
}

export interface Label {
  text: string;
  lng: number;
  lat: number;
}

export function labelPoints(labels: readonly Label[]): FeatureCollection<Point, { text: string }> {
  return {
    type: 'FeatureCollection',
    features: labels.map(({ text, lng, lat }) => ({
      type: 'Feature',
      properties: { text },
      geometry: { type: 'Point', coordinates: [lng, lat] },
    })),
  };
}

/**
 * The whole map: no tile, glyph or sprite from outside. The fill's expression never changes
 * (a colour is feature state), because a changed data-driven expression makes MapLibre lay out
 * every tile again, while changed state only rewrites the colours of the features touched.
 */
export function styleOf(ground: Ground): StyleSpecification {
  const geojson = { type: 'geojson', data: EMPTY } as const;
  return {
    version: 8,
    sources: {
      graticule: { type: 'geojson', data: graticule() },
      shapes: { ...geojson, promoteId: 'id', maxzoom: 9, buffer: 16, tolerance: 0.25 },
      states: { ...geojson, maxzoom: 9, buffer: 16, tolerance: 0.25 },
      marks: { ...geojson },
      names: { ...geojson },
      ufs: { ...geojson },
    },
    layers: [
      { id: 'paper', type: 'background', paint: { 'background-color': ground.paper } },
      {
        id: 'graticule',
        type: 'line',
        source: 'graticule',
        paint: { 'line-color': ground.graticule, 'line-width': 1 },
      },
      {
        id: 'hatch',
        type: 'fill',
        source: 'shapes',
        filter: LAND_ONLY,
        paint: { 'fill-pattern': 'hatch', 'fill-antialias': false },
      },
      {
        id: 'value',
        type: 'fill',
        source: 'shapes',
        filter: LAND_ONLY,
        paint: {
          'fill-color': ['to-color', ['feature-state', 'fill'], ground.land],
          // Whole-country borders are hairlines of the fill: a line layer there doubles the frame.
          'fill-outline-color': [
            'interpolate',
            ['linear'],
            ['zoom'],
            3,
            ground.hairline,
            6,
            ground.border,
          ],
        },
      },
      {
        id: 'water',
        type: 'fill',
        source: 'shapes',
        filter: ['==', ['get', 'kind'], 'water'],
        paint: { 'fill-color': ground.water },
      },
      {
        id: 'border',
        type: 'line',
        source: 'shapes',
        minzoom: 6,
        paint: {
          'line-color': ground.border,
          'line-width': ['interpolate', ['linear'], ['zoom'], 6, 0.4, 9, 1.2],
        },
      },
      {
        id: 'state',
        type: 'line',
        source: 'states',
        layout: { 'line-join': 'round' },
        paint: {
          'line-color': ground.state,
          'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.6, 6, 1.2, 9, 2],
        },
      },
      {
        id: 'marks-casing',
        type: 'line',
        source: 'marks',
        layout: { 'line-join': 'round' },
        paint: { 'line-color': ground.halo, 'line-width': 5 },
      },
      {
        id: 'marks',
        type: 'line',
        source: 'marks',
        layout: { 'line-join': 'round' },
        paint: {
          'line-color': ['match', ['get', 'mark'], 'pointed', ground.pointed, ground.selected],
          'line-width': 2.5,
        },
      },
      {
        id: 'ufs',
        type: 'symbol',
        source: 'ufs',
        maxzoom: 6.5,
        layout: {
          'text-field': ['get', 'text'],
          'text-font': FONT,
          'text-size': ['interpolate', ['linear'], ['zoom'], 3, 10, 6, 15],
          'text-letter-spacing': 0.08,
          // Where states are small a label steps aside; two upon each other say neither.
          'text-variable-anchor': ['center', 'left', 'right', 'bottom', 'top'],
          'text-radial-offset': 0.7,
          'text-padding': 0,
        },
        paint: {
          'text-color': ground.label,
          'text-halo-color': ground.halo,
          'text-halo-width': 2,
        },
      },
      {
        id: 'names',
        type: 'symbol',
        source: 'names',
        minzoom: 6.8,
        layout: {
          'text-field': ['get', 'text'],
          'text-font': FONT,
          'text-size': ['interpolate', ['linear'], ['zoom'], 7, 10, 10, 14],
          'text-max-width': 7,
        },
        paint: {
          'text-color': ground.label,
          'text-halo-color': ground.halo,
          'text-halo-width': 2,
        },
      },
    ],
  };
}

const HATCH_PX = 8;

/** Slanted lines on bare land: "sem dado" must look like no class and like no paper. */
export function hatchImage(ground: Ground): ImageData {
  const size = HATCH_PX * 2;
  const canvas = document.createElement('canvas');
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('canvas 2d unavailable');
  pen.fillStyle = ground.land;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = ground.hatch;
  pen.lineWidth = 2.4;
  for (let offset = -size; offset <= size * 2; offset += size / 2) {
    pen.beginPath();
    pen.moveTo(offset, size + 1);
    pen.lineTo(offset + size + 2, -1);
    pen.stroke();
  }
  return pen.getImageData(0, 0, size, size);
}
