import type { Alert, AlertName, AlertPageOf } from '../../api/watchTypes';
import type { State } from '../state';

/** An alert's state as every screen shows one: how bad it is, unless nobody knows or is to be told. */
export function stateOfAlert({ shown, severity }: Pick<AlertName, 'shown' | 'severity'>): State {
  if (shown === 'ok') return 'ok';
  if (shown === 'silenced') return 'muted';
  if (shown === 'unknown') return 'unknown';
  return severity === 'critical' || severity === 'high' ? 'critical' : 'warn';
}

/** What asks for a person: not silenced, and not only the consequence of another. */
export function asksForSomeone({ shown, follows, resolved_at }: Alert): boolean {
  return resolved_at === null && shown !== 'silenced' && shown !== 'ok' && follows === null;
}

/** Rounds are some seconds apart; after this long the rules are asked no more. */
export const STALE_ROUND_MS = 5 * 60_000;

/** Whether the rules are being asked: an empty list means nothing when they are not. */
export function watchState(page: Pick<AlertPageOf, 'evaluated_at' | 'unasked'>, now: number) {
  if (page.evaluated_at === null) return 'never';
  if (now - new Date(page.evaluated_at).getTime() > STALE_ROUND_MS) return 'stale';
  return (page.unasked ?? 0) > 0 ? 'partial' : 'ok';
}
