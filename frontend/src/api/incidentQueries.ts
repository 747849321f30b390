import { queryOptions } from '@tanstack/react-query';
import { ask } from './client';
import { watched } from './watched';
import type { Served } from './watchQueries';
import type { IncidentWhole } from './watchTypes';

export const INCIDENTS: Served = { key: 'incidents', path: '/incidents' };

export const incidentQuery = (id: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'incident', id],
    queryFn: ({ signal }) =>
      ask<IncidentWhole>(`/incidents/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });
