import { QueryClient, queryOptions } from '@tanstack/react-query';
import type { FeatureCollection, MultiPolygon, Polygon } from 'geojson';
import { ask } from './client';
import { ProblemError } from './problem';
import type {
  Choropleth,
  Comparison,
  Connector,
  Explanation,
  Indicator,
  Layer,
  Level,
  List,
  Peers,
  Profile,
  Run,
  TerritoryIndex,
} from './types';
import { watched } from './watched';
import type { ListedCheck } from './watchTypes';

const MINUTE_MS = 60_000;
const RETRIES = 2;

export type ShapeKind = 'municipality' | 'state' | 'water';
export type Shapes = FeatureCollection<Polygon | MultiPolygon, { id: string; kind: ShapeKind }>;

export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The API says max-age=300; asking sooner would only be told "not modified".
        staleTime: 5 * MINUTE_MS,
        gcTime: 30 * MINUTE_MS,
        refetchOnWindowFocus: false,
        retry: (failures, error) =>
          failures < RETRIES && error instanceof ProblemError && error.passing,
      },
    },
  });
}

export const indicatorsQuery = queryOptions({
  queryKey: ['indicators'],
  queryFn: ({ signal }) => ask<List<Indicator>>('/indicators', {}, { signal }),
});

export const territoryIndexQuery = (level: Level) =>
  queryOptions({
    queryKey: ['territory-index', level],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: ({ signal }) => ask<TerritoryIndex>('/territories/index', { level }, { signal }),
  });

const layersQuery = queryOptions({
  queryKey: ['layers'],
  queryFn: ({ signal }) => ask<List<Layer>>('/map/layers', {}, { signal }),
});

/** Shapes are fetched once per visit: they do not change with the question. */
export const shapesQuery = (level: Level) =>
  queryOptions({
    queryKey: ['shapes', level],
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
    queryFn: async ({ signal, client }) => {
      // Asked with its version the mesh never changes, and a second visit does not ask at all.
      const { items } = await client.ensureQueryData(layersQuery);
      const v = items.find((layer) => layer.level === level)?.mesh_version;
      return ask<Shapes>(`/geo/shapes/${level}`, { v }, { signal });
    },
  });

export const valuesQuery = (indicator: string, period: string, level: Level) =>
  queryOptions({
    queryKey: ['values', indicator, period, level],
    // Comparing 5 570 rows deeply costs more than the drawing does.
    structuralSharing: false,
    queryFn: ({ signal }) =>
      ask<Choropleth>('/geo/choropleth', { indicator, period, level }, { signal }),
  });

export const profileQuery = (territoryId: string, period?: string) =>
  queryOptions({
    queryKey: ['profile', territoryId, period ?? null],
    queryFn: ({ signal }) =>
      ask<Profile>(`/territory/${encodeURIComponent(territoryId)}/profile`, { period }, { signal }),
  });

export const compareQuery = (territoryId: string, indicator: string, others: string[]) =>
  queryOptions({
    queryKey: ['compare', territoryId, indicator, others],
    queryFn: ({ signal }) =>
      ask<Comparison>(
        `/territory/${encodeURIComponent(territoryId)}/compare`,
        { indicator, with: others.join(',') },
        { signal },
      ),
  });

export const peersQuery = (territoryId: string, indicator: string, period: string, limit: number) =>
  queryOptions({
    queryKey: ['peers', territoryId, indicator, period, limit],
    queryFn: ({ signal }) =>
      ask<Peers>(
        `/territory/${encodeURIComponent(territoryId)}/peers`,
        { indicator, period, limit },
        { signal },
      ),
  });

/** `uri` is a number's own address: indicator/3121605/deaths_total/2019. */
export const explainQuery = (uri: string) =>
  queryOptions({
    queryKey: ['explain', uri],
    queryFn: ({ signal }) => {
      const path = uri.split('/').map(encodeURIComponent).join('/');
      return ask<Explanation>(`/explain/${path}`, {}, { signal });
    },
  });

export const runsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'runs'],
  queryFn: ({ signal }) =>
    ask<List<Run>>('/ops/pipeline-runs', { page_size: 200 }, { signal, withKey: true }),
});

export const checksQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'checks'],
  queryFn: ({ signal }) =>
    ask<List<ListedCheck>>('/ops/pipeline-checks', { page_size: 500 }, { signal, withKey: true }),
});

export const connectorsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'connectors'],
  queryFn: ({ signal }) =>
    ask<List<Connector>>('/ops/connector-registry', {}, { signal, withKey: true }),
});
