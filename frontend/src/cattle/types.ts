/** What the feedlot's files and figures are on the wire (`/files`, `/dlq`, `/v1/cattle`). */

export const FILE_STATUSES = ['uploaded', 'processing', 'loaded', 'error'] as const;
export type FileStatus = (typeof FILE_STATUSES)[number];
export type FileState =
  | 'received'
  | 'awaiting_mapping'
  | 'requeued'
  | 'processing'
  | 'retrying'
  | 'loaded'
  | 'partly_loaded'
  | 'duplicate'
  | 'refused'
  | 'failed';

export interface FeedFile {
  id: string;
  filename: string;
  status: FileStatus;
  state: FileState;
  origin: string;
  layout: string | null;
  sha256: string | null;
  size_bytes: number | null;
  encoding: string | null;
  delimiter: string | null;
  decimal_mark: string | null;
  date_format: string | null;
  uploaded_at: string;
  processing_started_at: string | null;
  completed_at: string | null;
  updated_at: string;
  error_message: string | null;
  error_class: string | null;
  rows_read: number;
  rows_loaded: number;
  rows_rejected: number;
  rows_duplicate: number;
  run_id: string | null;
  batch_id: string | null;
  duplicate_of: string | null;
}

export interface FilePageOf {
  items: FeedFile[];
  count: number;
  page: number;
  page_size: number;
  more: boolean;
}

export interface Matched {
  header: string;
  column: string;
  how: 'exact' | 'alias' | 'fuzzy' | 'person' | 'asked' | 'ignored';
  score: number;
}

/** What a person must say first. */
export interface Question {
  ask: string;
  header?: string;
  column?: string;
  candidates?: string[];
  score?: number;
}

export interface FileEvent {
  state: FileState;
  at: string;
  actor: string;
  reason: string | null;
  run_id: string | null;
  error: string | null;
}

export interface FeedFileWhole extends FeedFile {
  detected: Record<string, unknown>;
  mapping: Matched[];
  questions: Question[];
  bronze: { path: string; sha256: string; size: number } | null;
  timeline: FileEvent[];
  checks: {
    check_name: string;
    status: 'pass' | 'warn' | 'fail';
    observed: unknown;
    threshold: unknown;
    details: Record<string, unknown> | null;
  }[];
}

export interface CattleLetter {
  id: number;
  entity_type: string;
  entity_id: string;
  error_type: 'transient' | 'rate_limited' | 'resource' | 'permanent';
  original_error: string;
  retry_count: number;
  max_retries: number;
  resolved: boolean;
  resolved_at: string | null;
  resolved_by: string | null;
  notes: string | null;
  created_at: string;
  file_id: string | null;
  payload: unknown;
}

export interface CattleLetters {
  items: CattleLetter[];
  count: number;
  limit: number;
}

export type Colour = 'green' | 'yellow' | 'red' | 'no_data';

export interface Target {
  name: string;
  title: string;
  value: number | null;
  told: string;
  target: number;
  unit: string;
  met: boolean | null;
}

export interface Dashboard {
  at: string;
  window_hours: number;
  colour: {
    colour: Colour;
    word: string;
    reasons: string[];
    action: string;
    loaded: number;
    failed: number;
    success_percent: number | null;
    minutes: number | null;
    rule: string;
  };
  sla: {
    status: 'ok' | 'warning' | 'breach' | 'no_data';
    sla_status: string;
    total_files: number;
    successful_files: number;
    success_rate_percent: number | null;
    avg_processing_minutes: number | null;
    rule: string;
  };
  targets: Target[];
  pipelines: Record<
    string,
    {
      status: 'active' | 'inactive' | 'unknown';
      waiting: number;
      in_error: number;
      last_completed_at: string | null;
    }
  >;
  queue: { uploaded: number; processing: number; oldest: string | null; dead_letters: number };
  slowest: {
    id: string;
    filename: string;
    layout: string | null;
    rows_read: number;
    duration_minutes: number | null;
    usual_minutes: number | null;
  }[];
  errors: {
    error_class: string | null;
    error_class_word: string;
    error_message: string;
    count: number;
    last_occurrence: string;
    action: string;
  }[];
  alerts: {
    id: number;
    alert_type: string;
    subject: string;
    severity: string;
    title: string;
    message: string;
    triggered_at: string;
    runbook: string;
  }[];
  last_daily_check: {
    run_id: string;
    started_at_utc: string;
    run_status: string;
  } | null;
  incident_channel: string;
}

export const STAGES = ['loading', 'distribution'] as const;
export const GROUPS = ['diet', 'pen', 'wagon', 'operator', 'ingredient'] as const;
export type Group = (typeof GROUPS)[number];
export type Light = 'VERDE' | 'AMARELO' | 'VERMELHO';

export interface Deviation {
  key: string;
  planned_kg: number;
  fed_kg: number;
  deviation_kg: number;
  deviation_pc: number | null;
  absolute_kg: number;
  rows: number;
  status: Light | null;
  files: { id: string; filename: string }[];
  series: {
    date: string;
    planned_kg: number;
    fed_kg: number;
    deviation_kg: number;
    deviation_pc: number | null;
    status: Light | null;
  }[];
}

export interface Deviations {
  by: Group;
  stage: (typeof STAGES)[number];
  from: string;
  to: string;
  unit: string;
  status_rule: Record<Light, string>;
  count: number;
  items: Deviation[];
}
