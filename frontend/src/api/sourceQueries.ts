import { queryOptions } from '@tanstack/react-query';
import { ask, askFile } from './client';
import type { List } from './types';
import { watched } from './watched';
import type { Covered, Source, SourceWhole } from './watchTypes';

const at = (name: string) => `/ops/sources/${encodeURIComponent(name)}`;

export const sourcesQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'sources'],
  queryFn: ({ signal }) => ask<List<Source>>('/ops/sources', {}, { signal, withKey: true }),
});

export const sourceQuery = (name: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'source', name],
    queryFn: ({ signal }) => ask<SourceWhole>(at(name), {}, { signal, withKey: true }),
  });

export const coverageQuery = (name: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'source', name, 'coverage'],
    queryFn: ({ signal }) =>
      ask<List<Covered>>(`${at(name)}/coverage`, {}, { signal, withKey: true }),
  });

/** The verdict with everything it stands on, as a ZIP. */
export const evidenceOf = (name: string) => askFile(`${at(name)}/evidence`);
