import { queryOptions } from '@tanstack/react-query';
import { act, ask } from './client';
import { every, watched } from './watched';
import type {
  RunbookList,
  RunbookRun,
  RunbookRunWhole,
  RunbookWanted,
  RunbookWhole,
} from './watchTypes';

export const runbooksQuery = queryOptions({
  queryKey: ['ops', 'runbooks'],
  queryFn: ({ signal }) => ask<RunbookList>('/runbooks', {}, { signal, withKey: true }),
});

/** A runbook's name is a path: platform/source-failed. */
export const runbookQuery = (name: string) =>
  queryOptions({
    queryKey: ['ops', 'runbook', name],
    queryFn: ({ signal }) => {
      const path = name.split('/').map(encodeURIComponent).join('/');
      return ask<RunbookWhole>(`/runbooks/${path}`, {}, { signal, withKey: true });
    },
  });

export const runbookRunsQuery = (runbook?: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'runbook-runs', runbook ?? null],
    queryFn: ({ signal }) =>
      ask<{ items: RunbookRun[]; more: boolean }>(
        '/runbook-runs',
        { runbook },
        { signal, withKey: true },
      ),
  });

/** One just asked for looks interrupted: nobody is at it yet. */
const UNDER_WAY = new Set(['running', 'waiting', 'interrupted']);

export const runbookRunQuery = (id: string) =>
  queryOptions({
    ...watched,
    // Somebody looks on while it is executed: what a cell said is wanted as it is said.
    refetchInterval: ({ state }: { state: { data: RunbookRunWhole | undefined } }) =>
      UNDER_WAY.has(state.data?.status ?? 'running') ? 2000 : every(30)(),
    queryKey: ['ops', 'runbook-run', id],
    queryFn: ({ signal }) =>
      ask<RunbookRunWhole>(
        `/runbook-runs/${encodeURIComponent(id)}`,
        {},
        { signal, withKey: true },
      ),
  });

/** Asks for an execution; sent again with the same number it is the same one. */
export const executeRunbook = (body: RunbookWanted, once: string) =>
  act<{ id: string }>('/runbook-runs', { method: 'POST', body, once });

export const approveCell = (id: string, reason: string) =>
  act<{ cell: string; goes_on: boolean }>(`/runbook-runs/${id}/approve`, {
    method: 'POST',
    body: { reason },
  });

export const resumeRunbook = (id: string, reason: string) =>
  act<unknown>(`/runbook-runs/${id}/resume`, { method: 'POST', body: { reason } });
