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
