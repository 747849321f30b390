import type { components } from './openapi';

/**
 * What the API answers, under the names the screens use. `openapi.ts` is generated from
 * /openapi.json by `npm run api:types`; what the ledger answers has no model there and is written
 * here by hand.
 */
type Schemas = components['schemas'];

export type Indicator = Schemas['Indicator'];
export type Choropleth = Schemas['Choropleth'];
export type SourceNote = Schemas['Source'];
export type TerritoryIndex = Schemas['TerritoryIndex'];
export type Layer = Schemas['Layer'];
export type Territory = Schemas['Territory'];
export type Profile = Schemas['Profile'];
export type ProfileIndicator = Schemas['ProfileIndicator'];
export type MissingNumber = Schemas['MissingNumber'];
export type Point = Schemas['Point'];
export type Comparison = Schemas['Comparison'];
export type ComparedSeries = Schemas['ComparedSeries'];
export type Peers = Schemas['Peers'];
export type RawFile = Schemas['Bronze'];

export type Level = Indicator['levels'][number];
export type SeriesKind = ComparedSeries['kind'];
export type Verdict = NonNullable<MissingNumber['verdict']>;

export interface List<T> {
  items: T[];
  count: number;
}

export interface Run {
  run_id: string;
  job_name: string;
  reference_period: string | null;
  run_status: 'running' | 'success' | 'failed' | 'blocked' | 'manual_required' | 'cancelled';
  source_type: string | null;
  verdict: Verdict | null;
  rows_read: number | null;
  rows_loaded: number | null;
  rows_rejected: number | null;
  rows_duplicate: number | null;
  started_at_utc: string;
  finished_at_utc: string | null;
  trace_id: string | null;
  error: string | null;
}

/** An explanation, with the parts that are free-form on the wire as this program reads them. */
export type Explanation = Omit<Schemas['Explanation'], 'run' | 'row' | 'others' | 'package'> & {
  run?: Partial<Run> | null;
  row?: { note?: string | null } | null;
  others?: { source: string; dataset: string; value: number | null }[] | null;
  package?: { name: string; version: string; file?: string | null; license?: string | null } | null;
};

export interface Check {
  check_id: number;
  run_id: string | null;
  check_name: string;
  status: 'pass' | 'warn' | 'fail';
  /** One thing of many that the check looked at: a source, a column, a job. */
  subject: string | null;
  observed: number | string | null;
  threshold: number | string | null;
  details: Record<string, unknown> | null;
  created_at_utc: string;
}

export interface Connector {
  connector: string;
  job_name: string;
  wave: string;
  source: string;
  status: 'planned' | 'partial' | 'implemented' | 'retired';
  last_status: Run['run_status'] | null;
  last_verdict: Verdict | null;
  last_finished_at_utc: string | null;
  reason: string | null;
}
