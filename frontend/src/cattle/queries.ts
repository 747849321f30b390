import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { act, ask, askFile, type Query, upload } from '../api/client';
import { every, watched } from '../api/watched';
import type {
  CattleLetters,
  Dashboard,
  Deviations,
  FeedFile,
  FeedFileWhole,
  FilePageOf,
} from './types';

const MOST_LETTERS = 1000;

export const dashboardQuery = queryOptions({
  ...watched,
  refetchInterval: every(15),
  queryKey: ['ops', 'cattle', 'dashboard'],
  queryFn: ({ signal }) => ask<Dashboard>('/cattle/dashboard', {}, { signal, withKey: true }),
});

export const filesQuery = (query: Query) =>
  queryOptions({
    ...watched,
    refetchInterval: every(10),
    queryKey: ['ops', 'cattle', 'files', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => ask<FilePageOf>('/files', query, { signal, withKey: true }),
  });

const SECOND_MS = 1000;
const UNDER_WAY = new Set(['received', 'requeued', 'processing', 'retrying']);

/** While a file is in hand somebody looks on. */
export const fileQuery = (id: string) =>
  queryOptions({
    ...watched,
    refetchInterval: ({ state }: { state: { data: FeedFileWhole | undefined } }) =>
      UNDER_WAY.has(state.data?.state ?? '') ? 2 * SECOND_MS : every(30)(),
    queryKey: ['ops', 'cattle', 'file', id],
    queryFn: ({ signal }) =>
      ask<FeedFileWhole>(`/files/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });

export const rejectedOf = (id: string) => askFile(`/files/${encodeURIComponent(id)}/rejected`);

export const reprocess = (id: string, reason: string) =>
  act<FeedFile>(`/files/${encodeURIComponent(id)}/reprocess`, { method: 'POST', body: { reason } });

export interface Said {
  columns: Record<string, string>;
  decimal_mark?: string;
  date_order?: string;
  reason: string;
}

/** What the headers are: remembered for later files, and this one is processed now. */
export const sayMapping = (id: string, said: Said) =>
  act<FeedFile>(`/files/${encodeURIComponent(id)}/mapping`, { method: 'POST', body: said });

export interface Sent {
  items: { id?: string; filename?: string; status: string; error_message?: string | null }[];
  count: number;
}

/** Sends one file; `onProgress` is told how much of it is on its way. */
export function sendFile(file: File, onProgress: (share: number) => void) {
  const form = new FormData();
  form.append('file', file, file.name);
  return upload<Sent>('/files', form, { onProgress });
}

export const lettersQuery = (status: 'unresolved' | 'resolved') =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'cattle', 'dlq', status],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask<CattleLetters>('/dlq', { status, limit: MOST_LETTERS }, { signal, withKey: true }),
  });

export const resolveLetter = (id: number, action: 'discard' | 'replay', reason: string) =>
  act<unknown>(`/dlq/${id}/resolve`, { method: 'POST', body: { action, reason } });

/** What may have passed meanwhile is done again; nothing else is touched. */
export const resolveTransient = (reason: string) =>
  act<{ resolved: number }>('/dlq/resolve-transient', { method: 'POST', body: { reason } });

export const deviationsQuery = (query: Query) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'cattle', 'deviations', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask<Deviations>('/cattle/deviations', query, { signal, withKey: true }),
  });
