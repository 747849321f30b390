import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { act, ask, type Query } from './client';
import type { List } from './types';
import { watched } from './watched';
import type {
  AlertPageOf,
  AlertWhole,
  Levels,
  LogLine,
  Page,
  RunWhole,
  Window,
} from './watchTypes';

/** A list the API has by page: where its pages are, and under which name they are told of. */
export interface Served {
  key: string;
  path: string;
}

export const RUNS: Served = { key: 'runs', path: '/ops/pipeline-runs' };
export const CHECKS: Served = { key: 'checks', path: '/ops/pipeline-checks' };

/** One page; the next one takes its place without a flash. */
export const pageQuery = <T>({ key, path }: Served, query: Query) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', key, query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => ask<Page<T>>(path, query, { signal, withKey: true }),
  });

const PAGE_SIZE = 500;
/** A spreadsheet is not for more. */
const MOST_EXPORTED = 20_000;

/** Every row that fits the filters, whatever page the reader is on. */
export async function everyPage<T>({ path }: Served, query: Query): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; all.length < MOST_EXPORTED; page += 1) {
    const asked = { ...query, page, page_size: PAGE_SIZE };
    const { items, total } = await ask<Page<T>>(path, asked, { withKey: true });
    all.push(...items);
    if (items.length === 0 || all.length >= total) break;
  }
  return all;
}

/** What was logged while it ran, as far as this machine has it. */
export const runLogQuery = (id: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'run', id, 'log'],
    queryFn: ({ signal }) =>
      ask<List<LogLine>>(
        `/ops/pipeline-runs/${encodeURIComponent(id)}/log`,
        {},
        { signal, withKey: true },
      ),
  });

export const runQuery = (id: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'run', id],
    queryFn: ({ signal }) =>
      ask<RunWhole>(`/ops/pipeline-runs/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });

export const ALERTS: Served = { key: 'alerts', path: '/alerts' };

/** As many as a person can look through at once. */
const MOST_NOW = 100;

/** What is open, the worst first. */
export const openAlertsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'alerts', 'open'],
  queryFn: ({ signal }) =>
    ask<AlertPageOf>('/alerts', { page_size: MOST_NOW }, { signal, withKey: true }),
});

export const alertQuery = (id: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'alert', id],
    queryFn: ({ signal }) =>
      ask<AlertWhole>(`/alerts/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });

/** Somebody is at it, until then or until it is resolved: nobody is reminded meanwhile. */
export const acknowledgeAlert = (id: number, reason: string) =>
  act<unknown>(`/alerts/${id}/ack`, { method: 'POST', body: { reason } });

/** Nobody is told of it until then. */
export const silenceAlert = (id: number, reason: string, until: string) =>
  act<unknown>(`/alerts/${id}/silence`, { method: 'POST', body: { reason, until } });

export const levelsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'slos'],
  queryFn: ({ signal }) => ask<Levels>('/slos', {}, { signal, withKey: true }),
});

/** Asks for a run; sent again with the same number it is the same one. */
export const askForRun = (
  body: { job_name: string; reference_period: string; force: boolean; reason: string },
  once: string,
) => act<{ id: string }>('/jobs', { method: 'POST', body, once });

export interface WindowWanted {
  title: string;
  starts_at: string | null;
  ends_at: string | null;
  rules: string[];
  subjects: string[];
  reason: string;
}

export const announceWindow = (body: WindowWanted) =>
  act<Window>('/maintenance-windows', { method: 'POST', body });

/** Ends it now, or calls off one that has not begun. */
export const cancelWindow = (id: number, reason: string) =>
  act<Window>(`/maintenance-windows/${id}/cancel`, { method: 'POST', body: { reason } });

export const windowsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'maintenance'],
  queryFn: ({ signal }) => ask<Page<Window>>('/maintenance-windows', {}, { signal, withKey: true }),
});
