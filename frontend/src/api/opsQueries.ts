import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { ask, type Query } from './client';
import type { AuditChains, AuditPage, AuditRecord, OpsSummary } from './opsTypes';

const SECOND_MS = 1000;

/** The rooms people watch are asked anew each half minute. */
export const watched = { staleTime: 0, refetchInterval: 30 * SECOND_MS } as const;

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
