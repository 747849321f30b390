import { queryOptions } from '@tanstack/react-query';
import { act, ask } from './client';
import { watched } from './watched';
import type { Served } from './watchQueries';
import type { Contacts, Incident, IncidentStatus, IncidentWhole, Severity } from './watchTypes';

export const INCIDENTS: Served = { key: 'incidents', path: '/incidents' };

export const incidentQuery = (id: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'incident', id],
    queryFn: ({ signal }) =>
      ask<IncidentWhole>(`/incidents/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });

/** Who is called at the level an incident is at: addresses of people, so an operator's. */
export const contactsQuery = (id: number) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'incident', String(id), 'contacts'],
    queryFn: ({ signal }) =>
      ask<Contacts>(`/incidents/${id}/contacts`, {}, { signal, withKey: true }),
  });

export interface Declaration {
  alerts?: number[];
  title?: string;
  severity?: Severity;
  impact?: string;
  affected?: string[];
  commander?: string;
  reason: string;
}

export const declareIncident = (body: Declaration) =>
  act<Incident>('/incidents', { method: 'POST', body });

export interface News {
  status?: Exclude<IncidentStatus, 'resolved'>;
  severity?: Severity;
  next_steps: string;
  eta: string;
  /** What was done. */
  reason: string;
}

export const updateIncident = (id: number, body: News) =>
  act<Incident>(`/incidents/${id}/update`, { method: 'POST', body });

export const resolveIncident = (
  id: number,
  body: { root_cause: string; resolution: string; prevention: string; reason: string },
) => act<Incident>(`/incidents/${id}/resolve`, { method: 'POST', body });

export const snapshotIncident = (id: number, reason: string) =>
  act<unknown>(`/incidents/${id}/snapshot`, { method: 'POST', body: { reason } });

export const postmortemOf = async (id: number) =>
  (await ask<{ text: string }>(`/incidents/${id}/postmortem`, {}, { withKey: true })).text;
