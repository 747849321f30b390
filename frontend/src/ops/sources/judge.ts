import type { Source, SourceDay, SourceState } from '../../api/watchTypes';
import type { State } from '../state';

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
