/**
 * What the API answers, written by hand from the HTTP table of docs/architecture.md.
 * Names are the wire's own (snake_case), so that a reader can grep them on both sides.
 */

export type Level = 'municipality' | 'state' | 'country';
export type PeriodKind = 'year' | 'month' | 'window';
export type Verdict = 'we_failed' | 'source_failed' | 'not_published';

export interface List<T> {
  items: T[];
  count: number;
}

/** What an indicator is called in another language; its other fields know no language. */
export interface IndicatorWords {
  name: string;
  unit: string;
  theme: string;
  source: string;
  note: string;
  coverage_note: string | null;
  license: string;
}

export interface Indicator {
  code: string;
  name: string;
  unit: string;
  theme: string;
  polarity: string;
  source: string;
  dataset: string;
  decimals: number;
  scale: 'sequential' | 'diverging';
  center?: number | null;
  levels: Level[];
  periods: string[];
  period_kind: PeriodKind;
  /** Ascending edges, fixed for every period: class i is [edges[i], edges[i+1]). */
  classes: number[];
  ranked: boolean;
  /** No period of these years can bear a rank. */
  unranked_years: string[];
  note: string;
  coverage_note: string | null;
  /** What is missing from a period that is not whole. */
  partial_periods: Record<string, string>;
  license: string;
  fetched_at: string | null;
  /** True when the values of the parts add up to the value of the whole. */
  cumulative: boolean;
  en: IndicatorWords;
}

export interface SourceNote {
  name: string;
  dataset: string;
  license: string;
  fetched_at: string | null;
  note?: string | null;
}

export interface MapValue {
  territory_id: string;
  value: number | null;
  /** What must be said with this one value. */
  note?: string | null;
  /** Share of the territory the value covers. */
  coverage?: number | null;
}

export interface Choropleth {
  indicator: string;
  period: string;
  level: Level;
  unit: string;
  data_version: string | number;
  count: number;
  classes: number[];
  source: SourceNote;
  /** Why nobody has a value, when nobody has. */
  missing?: { reason: string; verdict: Verdict } | null;
  items: MapValue[];
}

export interface TerritoryIndex {
  columns: string[];
  rows: [territory_id: string, name: string, uf: string | null, has_mesh: boolean][];
}

export interface Territory {
  territory_id: string;
  level: Level;
  name: string;
  uf: string | null;
  parent_id: string | null;
  has_mesh: boolean;
  valid_from?: string | null;
  valid_to?: string | null;
}

export interface Point {
  period: string;
  value: number | null;
}

export interface ProfileIndicator {
  code: string;
  name: string;
  unit: string;
  theme: string;
  period: string;
  value: number | null;
  marker?: string | null;
  rank: number | null;
  rank_of: number | null;
  state_value: number | null;
  country_value: number | null;
  freshness: string | null;
  source: string;
  note?: string | null;
  baseline?: number | null;
  coverage?: number | null;
  series: Point[];
  /** Where this number is explained: /v1/explain/… */
  explain: string;
}

export interface MissingNumber {
  code: string;
  name: string;
  period?: string | null;
  reason: string;
  verdict: Verdict | null;
}

export interface Profile {
  territory: Territory;
  headline: string;
  indicators: ProfileIndicator[];
  missing: MissingNumber[];
}

export type SeriesKind = 'self' | 'state' | 'country' | 'peer' | 'other';

export interface ComparedSeries {
  territory_id: string;
  name: string;
  kind: SeriesKind;
  points: Point[];
}

export interface Comparison {
  indicator: string;
  unit: string;
  series: ComparedSeries[];
}

export interface Peers
  extends List<{
    territory_id: string;
    name: string;
    uf: string | null;
    value: number | null;
    distance: number;
  }> {
  rule: string;
}

export interface Run {
  run_id: string;
  job_name: string;
  domain?: string;
  reference_period: string | null;
  run_status: 'running' | 'success' | 'failed' | 'blocked' | 'manual_required' | 'cancelled';
  source_type: string | null;
  verdict?: Verdict | null;
  rows_read: number | null;
  rows_loaded: number | null;
  rows_rejected: number | null;
  rows_duplicate: number | null;
  attempt?: number;
  started_at_utc: string;
  finished_at_utc: string | null;
  actor?: string | null;
  trigger?: string | null;
  reason?: string | null;
  trace_id?: string | null;
  error?: string | null;
}

export interface RawFile {
  path: string;
  sha256: string;
  size: number;
}

export interface Explanation {
  uri: string;
  value: number | null;
  unit: string;
  period: string;
  derivation?: {
    method: string;
    sql_model?: string | null;
    inputs: { uri: string; value: number | null }[];
  } | null;
  run?: Partial<Run> | null;
  contract?: { connector?: string; version?: string | number; table_name?: string } | null;
  bronze?: RawFile | null;
  /** Every raw file the run read, the largest first. */
  files?: RawFile[] | null;
  /** What other sources say of the same number. */
  others?: { source: string; dataset: string; value: number | null }[] | null;
  row?: { note?: string | null; baseline?: number | null; coverage?: number | null } | null;
  /** Why there is no value. */
  reason?: string | null;
  verdict?: Verdict | null;
  exchange?: { url: string; fetched_at: string; status: number } | null;
  package?: { name: string; version: string; file?: string | null; license?: string | null } | null;
}

/** A level that can be drawn, and the address of its present shapes. */
export interface Layer {
  level: Level;
  mesh_version: string;
}

export interface Check {
  check_id: number | string;
  run_id: string | null;
  check_name: string;
  status: 'pass' | 'warn' | 'fail';
  observed: number | string | null;
  threshold: number | string | null;
  subject?: string | null;
  details: Record<string, unknown> | null;
  created_at_utc: string;
}

export interface Connector {
  connector: string;
  job_name: string;
  wave: string;
  source: string;
  status: 'planned' | 'partial' | 'implemented' | 'retired';
  last_status?: Run['run_status'] | null;
  last_verdict?: Verdict | null;
  last_finished_at_utc?: string | null;
  reason?: string | null;
}
