import type { State } from '../ops/state';
import type { CattleLetter, Colour, Deviation, FileState, Light } from './types';

export const STATE_OF_COLOUR: Record<Colour, State> = {
  green: 'ok',
  yellow: 'warn',
  red: 'critical',
  no_data: 'unknown',
};

export const STATE_OF_SLA = {
  ok: 'ok',
  warning: 'warn',
  breach: 'critical',
  no_data: 'unknown',
} as const satisfies Record<string, State>;

export const STATE_OF_LIGHT: Record<Light, State> = {
  VERDE: 'ok',
  AMARELO: 'warn',
  VERMELHO: 'critical',
};

/** What waits or is in hand is as it should be, as in the queue. */
export const STATE_OF_FILE: Record<FileState, State> = {
  received: 'ok',
  awaiting_mapping: 'warn',
  requeued: 'ok',
  processing: 'ok',
  retrying: 'warn',
  loaded: 'ok',
  partly_loaded: 'warn',
  duplicate: 'muted',
  refused: 'critical',
  failed: 'critical',
};

export const STATE_OF_PIPELINE = {
  active: 'ok',
  inactive: 'critical',
  unknown: 'unknown',
} as const satisfies Record<string, State>;

/** A promise that was met, was not, or of which nothing was measured. */
export function stateOfTarget(met: boolean | null): State {
  if (met === null) return 'unknown';
  return met ? 'ok' : 'critical';
}

/** What can be asked for again: what waits, is in hand or is a copy cannot. */
export function mayProcess(state: FileState): boolean {
  return ['loaded', 'partly_loaded', 'refused', 'failed'].includes(state);
}

export function isRetryable({ error_type }: Pick<CattleLetter, 'error_type'>): boolean {
  return error_type !== 'permanent';
}

/** Every day that any of them has, in order. */
export function daysOf(items: readonly Deviation[]): string[] {
  return [...new Set(items.flatMap(({ series }) => series.map(({ date }) => date)))].sort();
}

export const DRAWN = 5;

/** The worst first, as the API has them: the first in the accent, the rest in inks of their own. */
export function linesOf(items: readonly Deviation[]) {
  return items.slice(0, DRAWN).map(({ key, series }, at) => ({
    territory_id: key,
    name: key,
    kind: at === 0 ? ('self' as const) : ('other' as const),
    points: series.map(({ date, deviation_pc }) => ({ period: date, value: deviation_pc })),
  }));
}
