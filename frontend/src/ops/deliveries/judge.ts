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

/** What may be sent again all at once: what has ended, of one kind of event or of all. */
export interface Replayable {
  status: (typeof ENDED)[number];
  channel?: string;
  event_type?: string;
}

const ENDED = ['exhausted', 'failed', 'cancelled', 'delivered'] as const;

/** What the filters of the list ask for, when that can be sent again. */
export function replayableOf(filters: {
  status: string | undefined;
  channel: string | undefined;
  event_type: string | undefined;
}): Replayable | null {
  const status = ENDED.find((one) => one === filters.status);
  if (status === undefined) return null;
  const { channel, event_type } = filters;
  return { status, ...(channel && { channel }), ...(event_type && { event_type }) };
}
