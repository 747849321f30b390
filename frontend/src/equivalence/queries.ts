import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { act, ask, askFile, type Query, upload } from '../api/client';
import type { AccessKey, NewKey, Role } from '../api/opsTypes';
import type { List } from '../api/types';
import { every, watched } from '../api/watched';
import type {
  Answer,
  Binding,
  CatalogKind,
  Catalogued,
  EquivalenceBatch,
  EvaluationPage,
  EvaluationWhole,
  Job,
  Question,
  ResultPage,
  Tenant,
} from './types';

const HOME = '/equivalences';

/** The decision with all that led to it. The same question asked again has the same answer. */
export const evaluate = (question: Question) =>
  act<Answer>(`${HOME}/evaluate`, { method: 'POST', body: question });

export const evaluationsQuery = (query: Query) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'evaluations', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask<EvaluationPage>(`${HOME}/evaluations`, query, { signal, withKey: true }),
  });

/** As CSV, oldest first, as of one moment: an auditor's. */
export const exportEvaluations = (query: Query) => askFile(`${HOME}/evaluations/export`, query);

export const evaluationQuery = (id: string) =>
  queryOptions({
    queryKey: ['ops', 'evaluation', id],
    queryFn: ({ signal }) =>
      ask<EvaluationWhole>(
        `${HOME}/evaluations/${encodeURIComponent(id)}`,
        {},
        { signal, withKey: true },
      ),
  });

export const batchesQuery = (page: number) =>
  queryOptions({
    ...watched,
    refetchInterval: every(10),
    queryKey: ['ops', 'equivalence-batches', page],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      ask<List<EquivalenceBatch>>(`${HOME}/batches`, { page }, { signal, withKey: true }),
  });

const SECOND_MS = 1000;

/** While it is done somebody looks on: each second, whether changes are told or not. */
export const jobQuery = (id: string) =>
  queryOptions({
    staleTime: 0,
    refetchInterval: ({ state }: { state: { data: Job | undefined } }) =>
      state.data?.finished_at ? false : SECOND_MS,
    queryKey: ['ops', 'job', id],
    queryFn: ({ signal }) =>
      ask<Job>(`/jobs/${encodeURIComponent(id)}`, {}, { signal, withKey: true }),
  });

export const resultsQuery = (id: string, page: number, pageSize: number, done: number) =>
  queryOptions({
    ...watched,
    // What is done since is another page of results.
    queryKey: ['ops', 'job', id, 'results', page, pageSize, done],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => resultsOf(id, page, pageSize, signal),
  });

export const resultsOf = (id: string, page: number, pageSize: number, signal?: AbortSignal) =>
  ask<ResultPage>(
    `/jobs/${encodeURIComponent(id)}/results`,
    { page, page_size: pageSize },
    { withKey: true, ...(signal && { signal }) },
  );

/** Sends a batch: all of it is accepted, or none. The same number is the same batch. */
export const sendBatch = (file: File, once: string, onProgress: (share: number) => void) =>
  upload<{ id: string; total: number }>(`${HOME}/batch`, file, {
    type: file.name.endsWith('.json') ? 'application/json' : 'application/x-ndjson',
    once,
    onProgress,
  });

export const catalogQuery = (kind: CatalogKind, code?: string, version?: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', kind, code ?? null, version ?? null],
    queryFn: ({ signal }) =>
      ask<List<Catalogued>>(`${HOME}/${kind}`, { code, version }, { signal, withKey: true }),
  });

export const addToCatalog = (
  kind: CatalogKind,
  body: { document: unknown; activate: boolean; reason: string },
) => act<{ added: boolean }>(`/admin/${kind}`, { method: 'POST', body });

export const activate = (
  kind: CatalogKind,
  body: { code: string; version: string; reason: string },
) => act<unknown>(`/admin/${kind}/activate`, { method: 'POST', body });

export const bindingsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'bindings'],
  queryFn: ({ signal }) => ask<List<Binding>>('/admin/bindings', {}, { signal, withKey: true }),
});

export const bind = (body: {
  tenant_id: string;
  course: string;
  policy: string;
  taxonomy: string | null;
  reason: string;
}) => act<unknown>('/admin/bindings', { method: 'POST', body });

export const tenantsQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'tenants'],
  queryFn: ({ signal }) => ask<List<Tenant>>('/admin/tenants', {}, { signal, withKey: true }),
});

export const tenantKeysQuery = queryOptions({
  ...watched,
  queryKey: ['ops', 'tenant-keys'],
  queryFn: ({ signal }) => ask<List<AccessKey>>('/admin/keys', {}, { signal, withKey: true }),
});

export const createTenant = (body: { tenant_id: string; name: string; reason: string }) =>
  act<Tenant>('/admin/tenants', { method: 'POST', body });

/** What a tenant may ask a minute; null gives it back to the usual. */
export const setQuota = (body: {
  tenant_id: string;
  quota: string;
  per_minute: number | null;
  reason: string;
}) => act<unknown>('/admin/quotas', { method: 'POST', body });

export const createTenantKey = (body: {
  tenant_id: string;
  name: string;
  role: Role;
  expires_days: number | null;
  reason: string;
}) => act<NewKey>('/admin/keys', { method: 'POST', body });

export const revokeTenantKey = (prefix: string, reason: string) =>
  act<unknown>('/admin/keys/revoke', { method: 'POST', body: { prefix, reason } });
