import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { act, ask, type Query } from './client';
import type {
  AccessKey,
  AuditChains,
  AuditPage,
  AuditRecord,
  Backups,
  KeyWanted,
  Letter,
  LetterPage,
  NewKey,
  OpsSummary,
  Queue,
  Scheduled,
  Viewer,
} from './opsTypes';
import { keepFormToken } from './session';
import type { List } from './types';
import { every, watched } from './watched';

export const summaryQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'summary'],
  queryFn: ({ signal }) => ask<OpsSummary>('/ops/summary', {}, { signal, withKey: true }),
});

/** Pages are bounded by a record: the next one takes the place of the last without a flash. */
export const auditQuery = (query: Query) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'audit', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => ask<AuditPage>('/audit', query, { signal, withKey: true }),
  });

const PAGE_SIZE = 500;
/** A spreadsheet is not for more; the export for verifying has no such end. */
const MOST_EXPORTED = 20_000;

/** Every record that fits the filters, from the newest on, whatever page the reader is on. */
export async function everyAuditRecord(query: Query): Promise<AuditRecord[]> {
  const all: AuditRecord[] = [];
  const whole = { ...query, direction: undefined, page_size: PAGE_SIZE };
  for (let start: string | undefined; all.length < MOST_EXPORTED; ) {
    const page = await ask<AuditPage>('/audit', { ...whole, start }, { withKey: true });
    all.push(...page.items);
    if (page.older === null) break;
    start = page.older;
  }
  return all;
}

export const auditChainsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'audit-chains'],
  queryFn: ({ signal }) => ask<AuditChains>('/audit/streams', {}, { signal, withKey: true }),
});

/** Who this browser is to the API; what it is refused with says that it is nobody. */
export const viewerQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'viewer'],
  queryFn: async ({ signal }) => {
    const viewer = await ask<Viewer>('/session', {}, { signal, withKey: true });
    keepFormToken(viewer.form_token);
    return viewer;
  },
});

export const signIn = (link: string) => act<Viewer>('/session', { method: 'POST', body: { link } });

export const signOut = () => act<void>('/session', { method: 'DELETE' });

export const keysQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'keys'],
  queryFn: ({ signal }) => ask<List<AccessKey>>('/access/keys', {}, { signal, withKey: true }),
});

export const createKey = (body: KeyWanted) => act<NewKey>('/access/keys', { method: 'POST', body });

export const revokeKey = (keyId: number, reason: string) =>
  act<AccessKey>(`/access/keys/${keyId}`, { method: 'DELETE' }, { reason });

/** As many as a person can look through at once; what is beyond is the next part. */
export const MOST_LETTERS = 1000;
const PAGES_OF_A_PART = MOST_LETTERS / PAGE_SIZE;

export interface Letters {
  items: Letter[];
  /** There is a part after this one. */
  more: boolean;
}

/** The letters of one part, the oldest first; parts are counted from 1. */
export const lettersQuery = (source: string | undefined, resolved: boolean, part: number) =>
  queryOptions({
    ...watched,
    refetchInterval: every(60),
    queryKey: ['ops', 'letters', source ?? null, resolved, part],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Letters> => {
      const items: Letter[] = [];
      const last = part * PAGES_OF_A_PART;
      for (let page = last - PAGES_OF_A_PART + 1; ; page += 1) {
        const asked = { source, resolved: String(resolved), page, page_size: PAGE_SIZE };
        const options = { signal, withKey: true };
        const found = await ask<LetterPage>('/ops/dead-letters', asked, options);
        items.push(...found.items);
        if (!found.more || page === last) return { items, more: found.more };
      }
    },
  });

export const letterQuery = (id: string) =>
  queryOptions({
    queryKey: ['ops', 'letter', id],
    staleTime: 0,
    queryFn: ({ signal }) =>
      ask<Letter>(`/ops/dead-letters/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });

/** Decides letters alike: all of them or none. */
export const decideLetters = (what: 'replay' | 'discard', ids: number[], reason: string) =>
  act<{ decided: number; batches: string[] }>(`/ops/dead-letters/${what}`, {
    method: 'POST',
    body: { ids, reason },
  });

export const correctLetter = (id: number, payload: unknown, reason: string) =>
  act<{ id: string }>(`/ops/dead-letters/${id}/correct`, {
    method: 'POST',
    body: { payload, reason },
  });

export const queueQuery = queryOptions({
  ...watched,
  refetchInterval: every(10),
  queryKey: ['ops', 'queue'],
  queryFn: ({ signal }) => ask<Queue>('/ops/queue', { limit: 200 }, { signal, withKey: true }),
});

export const cancelBatch = (id: string, reason: string) =>
  act<unknown>(`/jobs/${id}/cancel`, { method: 'POST', body: { reason } });

export const scheduleQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'schedule'],
  queryFn: ({ signal }) => ask<List<Scheduled>>('/ops/schedule', {}, { signal, withKey: true }),
});

export const actOnSchedule = (name: string, what: 'pause' | 'resume' | 'run-now', reason: string) =>
  act<unknown>(`/ops/schedule/${encodeURIComponent(name)}/${what}`, {
    method: 'POST',
    body: { reason },
  });

/** A worker makes it, restores it beside what runs and compares all of it. */
export const askForBackup = (reason: string, once: string) =>
  act<{ id: string }>('/ops/backups', { method: 'POST', body: { reason }, once });

export const backupsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'backups'],
  queryFn: ({ signal }) =>
    ask<Backups>('/ops/backups', { page_size: PAGE_SIZE }, { signal, withKey: true }),
});
