import type { Channel, Delivery } from '../../api/watchTypes';
import type { State } from '../state';

const OF_STATUS: Record<Delivery['status'], State> = {
  waiting: 'unknown',
  sending: 'unknown',
  delivered: 'ok',
  exhausted: 'critical',
  failed: 'critical',
  cancelled: 'muted',
};

/** One that waits to be tried again has failed before: that is no mere waiting. */
export function stateOfDelivery({ status, tries }: Pick<Delivery, 'status' | 'tries'>): State {
  return OF_STATUS[status] === 'unknown' && tries > 0 ? 'warn' : OF_STATUS[status];
}

export function stateOfChannel({ status, failures }: Pick<Channel, 'status' | 'failures'>): State {
  if (status === 'disabled') return 'muted';
  return failures > 0 ? 'warn' : 'ok';
}
