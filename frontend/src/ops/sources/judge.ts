import type { Source, SourceDay, SourceState } from '../../api/watchTypes';
import { rankOf, type State } from '../state';

const PLANNED_LAST = 100;

export const STATE_OF_SOURCE: Record<SourceState, State> = {
  ok: 'ok',
  late: 'warn',
  failed: 'critical',
  not_published: 'warn',
  unknown: 'unknown',
};

/** What is only planned is no source yet: it is never ok. */
export function stateOfSource({ status, state }: Pick<Source, 'status' | 'state'>): State {
  if (status === 'retired') return 'muted';
  return status === 'planned' ? 'warn' : STATE_OF_SOURCE[state];
}

/** Of what is only planned nobody can mend anything: it comes after what is there. */
export function isOnlyPlanned({ status }: Pick<Source, 'status'>): boolean {
  return status === 'planned';
}

/** The worse, the smaller; what is only planned after all that is there. */
export function rankOfSource(source: Pick<Source, 'status' | 'state'>): number {
  return rankOf(stateOfSource(source)) + (isOnlyPlanned(source) ? PLANNED_LAST : 0);
}

export const SOURCE_STATES: readonly SourceState[] = [
  'ok',
  'late',
  'failed',
  'not_published',
  'unknown',
];

/** How many days were in each state. */
export function countsOf(days: readonly SourceDay[]): [SourceState, number][] {
  return SOURCE_STATES.map((state): [SourceState, number] => [
    state,
    days.filter((one) => one.state === state).length,
  ]).filter(([, count]) => count > 0);
}
