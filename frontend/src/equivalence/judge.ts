import type { State } from '../ops/state';
import type { Decision, EquivalenceBatch, Evidence, Flagged, Item, Job, Side } from './types';

export const STATE_OF_DECISION: Record<Decision, State> = {
  DEFERIDO: 'ok',
  ANALISE_HUMANA: 'warn',
  INDEFERIDO: 'critical',
};

export const STATE_OF_ITEM: Record<Item['situacao'], State> = {
  coberto: 'ok',
  duvidoso: 'warn',
  faltante: 'critical',
};

export type BatchState = Job['status'];

export const STATE_OF_JOB: Record<BatchState, State> = {
  queued: 'unknown',
  running: 'unknown',
  failed: 'critical',
  cancelled: 'muted',
  done: 'ok',
};

/** How a batch of the list stands, in the words of a job. */
export function statusOf(batch: EquivalenceBatch): BatchState {
  if (batch.finished_at === null) return batch.queued === batch.total ? 'queued' : 'running';
  if (batch.dead > 0) return 'failed';
  return batch.cancelled > 0 ? 'cancelled' : 'done';
}

/** How much of a batch has ended, whichever way, in hundredths. */
export function endedShare(job: Pick<Job, 'total' | 'done' | 'dead' | 'cancelled'>): number {
  return job.total === 0 ? 0 : (100 * (job.done + job.dead + job.cancelled)) / job.total;
}

/** What critical items come first: missing, doubtful, covered; then the rest the same way. */
export function worstFirst(items: readonly Item[]): Item[] {
  const rank = { faltante: 0, duvidoso: 1, coberto: 2 };
  return [...items].sort(
    (a, b) =>
      Number(b.critico) - Number(a.critico) ||
      rank[a.situacao] - rank[b.situacao] ||
      b.peso - a.peso ||
      a.rotulo.localeCompare(b.rotulo),
  );
}

export interface Mark {
  begin: number;
  end: number;
  kind: Item['situacao'] | 'ignorado';
  critical: boolean;
  /** Which item's, by its place; -1 of what was not taken as content. */
  item: number;
  /** Why it was not taken. */
  why: string;
}

export interface Piece {
  key: string;
  text: string;
  mark: Mark | null;
}

/** The marks of one syllabus: what each item stands on there, and what was not taken as content. */
export function marksOf(
  items: readonly Item[],
  ignored: readonly Flagged[],
  side: Side,
  index: number,
): Mark[] {
  const here = (one: Pick<Evidence, 'lado' | 'indice'>) =>
    one.lado === side && one.indice === index;
  const content = items.flatMap(({ situacao, critico, evidencias }, item) =>
    evidencias.filter(here).map(({ inicio, fim }) => ({
      begin: inicio,
      end: fim,
      kind: situacao,
      critical: critico,
      item,
      why: '',
    })),
  );
  const flagged = ignored.filter(here).map(({ inicio, fim, motivo }) => ({
    begin: inicio,
    end: fim,
    kind: 'ignorado' as const,
    critical: false,
    item: -1,
    why: motivo,
  }));
  return [...content, ...flagged];
}

/**
 * A text cut where marks begin and end; where several cover a piece, the shortest speaks. Places are
 * counted in characters, as the engine counts them, not in the halves JavaScript makes of some.
 */
export function piecesOf(text: string, marks: readonly Mark[]): Piece[] {
  const characters = [...text];
  const inside = marks.filter(({ begin, end }) => 0 <= begin && begin < end);
  const cuts = new Set([0, characters.length]);
  for (const { begin, end } of inside) {
    cuts.add(Math.min(begin, characters.length));
    cuts.add(Math.min(end, characters.length));
  }
  const places = [...cuts].sort((a, b) => a - b);
  return places.slice(1).map((to, at) => {
    const from = places[at] ?? 0;
    const covering = inside.filter(({ begin, end }) => begin <= from && to <= end);
    const [mark] = covering.sort((a, b) => a.end - a.begin - (b.end - b.begin));
    return { key: `${from}`, text: characters.slice(from, to).join(''), mark: mark ?? null };
  });
}

/** As the house's policies have them; another policy may say otherwise. */
const TERMS = { coverage: 0.6, critical: 0.4, penalty: 0.1 };
const ROUNDING = 0.05;

export interface Term {
  name: keyof typeof TERMS;
  share: number;
  /** Null where the policy's own weights are not these. */
  weight: number | null;
  points: number | null;
}

/** What each term gives to the score: 100 × (0.6 coverage + 0.4 critical − 0.1 penalty). */
export function termsOf(
  breakdown: { cobertura: number; cobertura_critica: number; penalidade_nivel: number },
  score: number,
): Term[] {
  const shares = {
    coverage: breakdown.cobertura,
    critical: breakdown.cobertura_critica,
    penalty: breakdown.penalidade_nivel,
  };
  const terms = (Object.keys(TERMS) as (keyof typeof TERMS)[]).map((name) => ({
    name,
    share: shares[name],
    weight: TERMS[name],
    // Nothing taken off is no 'minus nothing'.
    points: (name === 'penalty' ? -100 : 100) * TERMS[name] * shares[name] || 0,
  }));
  const sum = terms.reduce((all, { points }) => all + points, 0);
  const these = Math.abs(Math.min(100, Math.max(0, sum)) - score) <= ROUNDING;
  return these ? terms : terms.map((term) => ({ ...term, weight: null, points: null }));
}
