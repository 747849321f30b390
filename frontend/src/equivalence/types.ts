/** What the equivalence service is asked and answers (`/v1/equivalences`, `/admin`). */

export const DECISIONS = ['DEFERIDO', 'ANALISE_HUMANA', 'INDEFERIDO'] as const;
export type Decision = (typeof DECISIONS)[number];
export const LEVELS = ['tecnico', 'graduacao', 'pos'] as const;
export type Level = (typeof LEVELS)[number];
export type Side = 'origem' | 'destino';

export interface Subject {
  nome: string;
  carga_horaria: number;
  ementa: string;
  nivel: Level;
}

export interface OriginSubject extends Subject {
  aprovado: boolean;
  ano_conclusao: number | null;
}

export interface Question {
  request_id: string;
  origem: OriginSubject[];
  destino: Subject;
  policy?: string;
}

export interface HardRule {
  regra: string;
  passou: boolean;
  texto: string;
  /** Which origin; null: all of them together. */
  origem: number | null;
}

/** A quotation: `trecho` stands in the syllabus from `inicio` to `fim`, in characters. */
export interface Evidence {
  lado: Side;
  indice: number;
  trecho: string;
  inicio: number;
  fim: number;
  metodo: string;
  confianca: number;
}

export interface Item {
  conceito: string | null;
  rotulo: string;
  peso: number;
  critico: boolean;
  situacao: 'coberto' | 'duvidoso' | 'faltante';
  evidencias: Evidence[];
}

/** A passage that was not taken as content, and why. */
export interface Flagged {
  lado: Side;
  indice: number;
  motivo: string;
  trecho: string;
  inicio: number;
  fim: number;
}

export interface Named {
  code: string;
  version: string;
}

export interface Answer {
  request_id: string;
  evaluation_id: string;
  decisao: Decision;
  score: number;
  breakdown: { cobertura: number; cobertura_critica: number; penalidade_nivel: number };
  hard_rules: HardRule[];
  itens?: Item[];
  faltantes: string[];
  criticos_faltantes: string[];
  duvidosos: string[];
  motivos: string[];
  justificativa_curta: string;
  justificativa_detalhada?: string;
  evidence?: Evidence[];
  trechos_ignorados?: Flagged[];
  origens_usadas: number[];
  area: string | null;
  disciplina_tipo: string | null;
  degraded_mode: boolean;
  mapper: string;
  policy: Named;
  taxonomy: Named | null;
  timings_ms: { avaliacao: number };
}

/** An evaluation as lists have it: no text of a syllabus is kept. */
export interface Evaluation {
  evaluation_id: string;
  request_id: string;
  batch_id: string | null;
  curso: string | null;
  origem: string;
  destino: string;
  decisao: Decision;
  score: number;
  degraded: boolean;
  mapper: string;
  policy: string;
  policy_version: string;
  taxonomy: string | null;
  taxonomy_version: string | null;
  actor: string;
  trace_id: string;
  request_sha256: string;
  created_at: string;
}

export interface EvaluationPage extends Record<Decision, number> {
  items: Evaluation[];
  count: number;
  total: number;
  degraded: number;
  /** The `before` of the next page; null at the end. */
  next: number | null;
}

export interface EvaluationWhole extends Evaluation {
  answer: Answer;
}

export interface EquivalenceBatch {
  id: string;
  actor: string;
  trigger: string;
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

export interface Job {
  id: string;
  kind: string;
  total: number;
  queued: number;
  running: number;
  done: number;
  dead: number;
  cancelled: number;
  status: 'queued' | 'running' | 'failed' | 'cancelled' | 'done';
  created_at: string;
  finished_at: string | null;
  errors: { position: number; error: string }[];
}

export interface BatchResult {
  position: number;
  status: 'queued' | 'running' | 'done' | 'dead' | 'cancelled';
  attempt: number;
  result: Answer | null;
  error: string | null;
  finished_at: string | null;
}

export interface ResultPage {
  items: BatchResult[];
  count: number;
  total: number;
  page: number;
  page_size: number;
}

export type CatalogKind = 'policies' | 'taxonomies';

export interface Catalogued {
  tenant_id: string;
  code: string;
  version: string;
  active: boolean;
  sha256: string;
  created_at: string;
  created_by: string;
  /** Whole, where one code was asked for. */
  document?: unknown;
}

export interface Binding {
  tenant_id: string;
  course: string;
  policy: string;
  taxonomy: string | null;
  updated_at: string;
  updated_by: string;
}

export interface Tenant {
  tenant_id: string;
  name: string;
  created_at: string;
  quotas: Record<string, number>;
  keys: number;
}
