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
  /** How many rows it put aside. */
  dead_letters: number;
  /** Of the same job and period, or of the same request, newest first. */
  others: OtherRun[];
  contracts: RunContract[];
}

export interface OtherRun
  extends Pick<
    Run,
    'run_id' | 'job_name' | 'reference_period' | 'run_status' | 'verdict' | 'started_at_utc'
  > {
  same_trace: boolean;
}

/** What was agreed with a source about its columns, when the run read it. */
export interface RunContract {
  connector: string;
  version: number;
  table_name: string;
  columns: unknown;
  created_at_utc: string;
}

export interface LogLine {
  ts: string;
  level: string;
  service: string;
  message: string;
}

/** An answer of a check, with the job and period of its run. */
export interface ListedCheck extends Check {
  job_name: string;
  reference_period: string | null;
}

export const SEVERITIES = ['critical', 'high', 'normal', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];
export type AlertState = 'ok' | 'late' | 'failed' | 'unknown' | 'silenced';

/** What an alert says of itself wherever it is named. */
export interface AlertName {
  alert_id: number;
  rule: string;
  subject: string;
  title: string;
  severity: Severity;
  shown: AlertState;
}

export interface Alert extends AlertName {
  says: string;
  owner: string;
  value: number | null;
  threshold: number | null;
  runbook: string;
  arguments: Record<string, string>;
  first_seen_at: string;
  last_seen_at: string;
  /** How often it turned bad. */
  count: number;
  flapping: boolean;
  /** The alert of its cause: this one is not told. */
  follows: number | null;
  told: string | null;
  told_at: string | null;
  acknowledged: boolean;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  acknowledge_reason: string | null;
  acknowledged_until: string | null;
  silenced_by: string | null;
  silence_reason: string | null;
  silenced_until: string | null;
  /** The maintenance window that silences it now. */
  window_id: number | null;
  resolved_at: string | null;
  incident_id: number | null;
}

export interface Deed {
  at: string;
  actor: string;
  action: string;
  reason: string | null;
}

export interface AlertWhole extends Alert {
  followers: AlertName[];
  history: Deed[];
}

export interface AlertPageOf extends Page<Alert> {
  /** How many are open, by state as shown. */
  open: Partial<Record<AlertState, number>>;
  /** When the rules were last asked; null when they never were. */
  evaluated_at: string | null;
  /** Rules that could not be asked then. */
  unasked: number | null;
}

export interface Level {
  slo: string;
  state: 'met' | 'missed' | 'unknown';
  pct: number | null;
  target_pct: number;
  worst: { job_name: string; pct: number }[];
  /** In runs: what may go wrong, and what is left of that. */
  budget: {
    ended: number;
    allowed: number;
    spent: number;
    left: number;
    burn_rate: number | null;
  };
}

export interface Levels {
  window_end: string;
  window_days: number;
  /** The moment was asked for, or is that of the last round of the rules, or now. */
  reference: 'given' | 'last_evaluation' | 'now';
  items: Level[];
}

/** Work announced beforehand: nobody is called about it. No rules or subjects: all of them. */
export interface Window {
  window_id: number;
  title: string;
  rules: string[];
  subjects: string[];
  starts_at: string;
  ends_at: string;
  /** When it really ends: sooner when it was called off. */
  until: string;
  active: boolean;
  created_by: string;
  reason: string;
  cancelled_at: string | null;
}

export interface RunbookName {
  name: string;
  title: string;
  severity: Severity;
  owner: string;
  /** The rules it answers. */
  alerts: string[];
  /** `terminal`: it stops parts of the product, so a worker cannot execute it. */
  place: 'anywhere' | 'terminal';
  /** A cell of it asks for a second person. */
  danger: boolean;
  sha256: string;
}

export interface RunbookArgument {
  name: string;
  meaning: string;
  pattern: string;
  example: string;
  default: string | null;
}

export interface RunbookCell {
  name: string;
  source: string;
  confirm: boolean;
  danger: boolean;
  timeout_seconds: number;
  line: number;
}

export interface RunbookWhole extends RunbookName {
  arguments: RunbookArgument[];
  cells: RunbookCell[];
  /** Markdown, without its head. */
  text: string;
}

export interface RunbookList {
  items: RunbookName[];
  /** Why others could not be read. */
  broken: string[];
}

export type RunbookStatus = 'running' | 'waiting' | 'succeeded' | 'failed' | 'interrupted';

export interface RunbookRun {
  runbook_run_id: string;
  runbook: string;
  sha256: string;
  arguments: Record<string, string>;
  status: RunbookStatus;
  error: string | null;
  actor: string;
  trigger: string;
  reason: string;
  trace_id: string;
  started_at: string;
  finished_at: string | null;
}

export interface CellRun {
  position: number;
  name: string;
  status: 'pending' | 'running' | 'waiting' | 'passed' | 'failed' | 'skipped';
  attempts: number;
  exit_code: number | null;
  why: string | null;
  output: string;
  output_sha256: string;
  output_bytes: number;
  approved_by: string | null;
  started_at: string | null;
  finished_at: string | null;
}

export interface RunbookRunWhole extends RunbookRun {
  text: string;
  cells: CellRun[];
  approvals: { position: number; actor: string; reason: string; approved_at: string }[];
}

/** What executing a runbook takes. */
export interface RunbookWanted {
  runbook: string;
  arguments: Record<string, string>;
  /** That cell and no other. */
  cell?: string;
  confirmed: boolean;
  reason: string;
}

export type IncidentStatus = 'investigating' | 'identified' | 'monitoring' | 'resolved';

export interface Incident {
  incident_id: number;
  title: string;
  severity: Severity;
  status: IncidentStatus;
  impact: string;
  affected: string[];
  commander: string;
  started_at: string;
  declared_at: string;
  declared_by: string;
  escalation_level: number;
  next_update_due_at: string | null;
  update_overdue: boolean | null;
  resolved_at: string | null;
  resolved_by: string | null;
  root_cause: string | null;
  resolution: string | null;
  prevention: string | null;
  postmortem_due_at: string | null;
}

export interface ListedIncident extends Incident {
  /** How many alerts it has. */
  alerts: number;
}

/** The timeline only grows. */
export interface IncidentEvent {
  event_id: number;
  at: string;
  kind: 'declared' | 'updated' | 'alert' | 'escalated' | 'reminded' | 'snapshot' | 'resolved';
  actor: string;
  says: string;
}

export type IncidentAlert = Pick<
  Alert,
  keyof AlertName | 'says' | 'runbook' | 'arguments' | 'first_seen_at' | 'resolved_at'
>;

export interface Snapshot {
  snapshot_id: number;
  path: string;
  sha256: string;
  size: number;
  created_at: string;
  actor: string;
  reason: string;
}

export interface IncidentWhole extends Incident {
  events: IncidentEvent[];
  alerts: IncidentAlert[];
  snapshots: Snapshot[];
}

/** Who is called: roles, and how they are reached. */
export interface Contacts {
  level: number;
  items: { role: string; name?: string | null; [way: string]: unknown }[];
}

/** Where what happened is told: a webhook or a mailbox. */
export interface Channel {
  channel_id: string;
  kind: 'webhook' | 'email';
  name: string;
  /** Of a URL, without what follows the path. */
  address: string;
  event_types: string[];
  status: 'active' | 'disabled';
  disabled_at: string | null;
  disabled_by: string | null;
  disabled_reason: string | null;
  /** Attempts that failed in a row. */
  failures: number;
  created_at: string;
  created_by: string;
  waiting: number;
  waiting_since: string | null;
  last_delivered_at: string | null;
}

export const DELIVERY_STATUSES = [
  'waiting',
  'sending',
  'delivered',
  'exhausted',
  'failed',
  'cancelled',
] as const;
export type Fault = 'ours' | 'recipient' | 'network';

/** One telling of one thing to one channel, with its last attempt. */
export interface Delivery {
  delivery_id: string;
  event_id: string;
  event_type: string;
  channel_id: string;
  kind: Channel['kind'];
  channel: string;
  status: (typeof DELIVERY_STATUSES)[number];
  tries: number;
  due_at: string;
  reason: string | null;
  created_at: string;
  finished_at: string | null;
  attempts: number;
  tried_at: string | null;
  duration_ms: number | null;
  status_code: number | null;
  error: string | null;
  fault: Fault | null;
}

export interface Attempt {
  number: number;
  started_at: string;
  duration_ms: number;
  delivered: boolean;
  status_code: number | null;
  error: string | null;
  fault: Fault | null;
  answer: string | null;
}

export interface DeliveryWhole extends Delivery {
  data: unknown;
  trace_id: string;
  history: Attempt[];
}

export interface DeliveryPage {
  items: Delivery[];
  count: number;
  /** Before which the next page goes on; null at the end. */
  older: string | null;
}

/** What one day, or one period, says of a source. */
export type SourceState = 'ok' | 'late' | 'failed' | 'not_published' | 'unknown';

export interface SourceDay {
  day: string;
  state: SourceState;
  runs: number;
}

export interface Certificate {
  sha256: string;
  first_seen_at: string;
  [more: string]: unknown;
}

/** A source as it was measured over `window_days`. */
export interface Source {
  connector: string;
  job_name: string;
  domain: string;
  wave: string;
  source: string;
  status: 'planned' | 'partial' | 'implemented' | 'retired';
  window_days: number;
  runs: number;
  failed: number;
  not_published: number;
  /** Runs that could not get out of the house: they say nothing of the source. */
  unreachable: number;
  late_days: number;
  state: SourceState;
  last_run_id: string | null;
  last_good_at: string | null;
  /** How it stands, in words; '' when all is well. */
  says: string;
  refresh_hours: number | null;
  schema_changes: number;
  certificate_changes: number;
  certificate: Certificate | null;
  median_delay_hours: number | null;
  days: SourceDay[];
}

export interface SourceWhole extends Source {
  contracts: { version: number; table_name: string; active: boolean; created_at_utc: string }[];
  certificates: Certificate[];
  last_runs: Run[];
}

/** How the last run of a period ended, and what stands of it. */
export interface Covered {
  reference_period: string | null;
  run_id: string;
  state: SourceState;
  says: string;
  finished_at_utc: string | null;
  good_run_id: string | null;
  rows_loaded: number | null;
  good_at: string | null;
}
