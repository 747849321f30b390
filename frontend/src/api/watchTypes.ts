/** What the routes of the watch answer; like the ledger's, it has no model in OpenAPI. */
import type { Check, List, Run } from './types';

export interface Page<T> extends List<T> {
  total: number;
  page: number;
  page_size: number;
}

/** A run with who asked for it. */
export interface ListedRun extends Run {
  domain: string;
  attempt: number;
  actor: string;
  trigger: string;
  reason: string | null;
}

/** What a run did, in order; each step says more about itself than its time. */
export interface Step {
  name: string;
  started_at: string;
  seconds?: number;
  connector?: string;
  table?: string;
  title?: string;
  [more: string]: unknown;
}

export interface BronzeFile {
  bronze_id: number;
  source: string;
  dataset: string;
  reference_period: string;
  path: string;
  size: number;
  sha256: string;
  extracted_at: string;
  exchange: { url: string; fetched_at: string; status: number } | null;
  package: { name: string; version: string; file?: string | null } | null;
}

export interface RunWhole extends ListedRun {
  steps: Step[];
  bronze: BronzeFile[];
  checks: Check[];
  details: { warnings?: string[]; rows?: Record<string, number> } | null;
}

/** An answer of a check, with the job and period of its run. */
export interface ListedCheck extends Check {
  job_name: string;
  reference_period: string | null;
}
