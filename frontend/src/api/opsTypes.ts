/** What the operations rooms' routes answer; like the ledger's, it has no model in OpenAPI. */

export type Judgement = 'ok' | 'warn' | 'fail' | 'unknown';

export interface AuditRecord {
  stream: string;
  seq: number;
  at: string;
  actor: string;
  trigger: string;
  action: string;
  subject: string;
  reason: string | null;
  tenant_id: string;
  trace_id: string;
  details: Record<string, unknown>;
  previous: string;
  hash: string;
}

export interface AuditPage {
  items: AuditRecord[];
  count: number;
  total: number;
  /** Counting stopped: there are more than `total`. */
  more_than_total: boolean;
  older: string | null;
  newer: string | null;
}

export interface AuditChain {
  stream: string;
  state: Judgement;
  seq: number;
  hash: string;
  at: string | null;
  anchored_seq: number | null;
  anchored_at: string | null;
  followed: number;
  bad_seq: number | null;
  problem: string;
}

export interface AuditChains {
  items: AuditChain[];
  state: Judgement;
  problems: string[];
  verified_at: string | null;
  looked_at: string;
}

export interface OpsSummary {
  dead_letters: number;
}

export const ROLES = ['viewer', 'auditor', 'operator', 'admin', 'client'] as const;
export type Role = (typeof ROLES)[number];

/** Who the API takes this browser for. */
export interface Viewer {
  kind: 'key' | 'session';
  name: string;
  role: Role;
  tenant_id: string;
  /** Of a session. */
  expires_at?: string;
  form_token?: string;
}

export interface AccessKey {
  key_id: number;
  prefix: string;
  name: string;
  role: Role;
  tenant_id: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  status: 'active' | 'expired' | 'revoked';
}

export interface KeyWanted {
  name: string;
  role: Role;
  expires_days: number | null;
  reason: string;
}

/** A key just made; `key` is the whole of it, in this answer only. */
export interface NewKey {
  key: string;
  key_id: number;
  prefix: string;
  name: string;
  role: Role;
}

export type ErrorType = 'transient' | 'rate_limited' | 'resource' | 'permanent';

/** A row put aside by a run, or a work item nobody could finish, as it came. */
export interface Letter {
  dead_letter_id: number;
  what: 'row' | 'item';
  domain: string;
  /** The connector, or the kind of work. */
  entity_type: string;
  /** Where the row stands in its payload. */
  entity_id: string;
  error_type: ErrorType;
  reason: string;
  payload: unknown;
  /** The cells at fault. */
  fields: string[];
  run_id: string | null;
  batch_id: string | null;
  reference_period: string | null;
  job_name: string | null;
  attempt: number | null;
  resolved: boolean;
  resolved_at: string | null;
  resolved_by: string | null;
  notes: string | null;
  created_at_utc: string;
}

export interface LetterPage {
  items: Letter[];
  count: number;
  page: number;
  more: boolean;
}

export interface Batch {
  id: string;
  kind: string;
  actor: string;
  trigger: string;
  reason: string | null;
  total: number;
  queued: number;
  running: number;
  done: number;
  dead: number;
  cancelled: number;
  created_at: string;
  finished_at: string | null;
  cancelled_at: string | null;
}

export interface Worker {
  worker_id: string;
  name: string;
  started_at: string;
  leased_until: string;
  ended_at: string | null;
  alive: boolean;
  in_hand: number;
}

export interface Queue {
  now: string;
  queued: number;
  running: number;
  oldest_due_at: string | null;
  oldest_due_seconds: number | null;
  kinds: { kind: string; queued: number; running: number; due: number }[];
  batches: Batch[];
  workers: Worker[];
}

/** Work that comes round. */
export interface Scheduled {
  name: string;
  kind: string;
  recurrence: string;
  next_due_at: string;
  paused_at: string | null;
  paused_by: string | null;
  pause_reason: string | null;
  last_asked_at: string | null;
  last_missed: number | null;
  last_finished_at: string | null;
}

export interface Backup {
  backup_id: string;
  name: string;
  sha256: string;
  size: number;
  created_at_utc: string;
  row_count: number;
  missing_files: number;
  actor: string;
  reason: string | null;
  verified_at_utc: string | null;
  problem: string | null;
  removed_at_utc: string | null;
}

export interface Drill {
  drill_id: string;
  started_at_utc: string;
  restore_seconds: number;
  database_bytes: number;
  row_count: number;
  passed: boolean;
  problem: string | null;
}

export interface Backups {
  items: Backup[];
  count: number;
  total: number;
  drills: Drill[];
  guard: { limit_hours: number; newest_verified_utc: string | null; guarded: boolean };
}
