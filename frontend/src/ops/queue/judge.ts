import type { Batch, Queue } from '../../api/opsTypes';
import type { State } from '../state';

/** Work due this long with nobody at it is stuck, and with somebody at it is late. */
export const PATIENCE_SECONDS = 60;
export const LATE_SECONDS = 15 * 60;

export type QueueVerdict = 'idle' | 'working' | 'waiting' | 'late' | 'stuck';

/** How the queue stands, in one word. What waits for a later moment is not late. */
export function verdictOf({ queued, running, oldest_due_seconds, workers }: Queue): QueueVerdict {
  const waited = oldest_due_seconds ?? 0;
  const alive = workers.some((worker) => worker.alive);
  if (waited > PATIENCE_SECONDS && !alive) return 'stuck';
  if (waited > LATE_SECONDS) return 'late';
  if (running > 0) return 'working';
  return queued > 0 ? 'waiting' : 'idle';
}

export const STATE_OF_QUEUE: Record<QueueVerdict, State> = {
  idle: 'ok',
  working: 'ok',
  waiting: 'ok',
  late: 'warn',
  stuck: 'critical',
};

export type BatchWord = 'waiting' | 'running' | 'done' | 'dead' | 'cancelled';

/** Whether a batch is over, and how. */
export function wordOfBatch(batch: Batch): BatchWord {
  if (batch.dead > 0) return 'dead';
  if (batch.cancelled > 0 || batch.cancelled_at !== null) return 'cancelled';
  if (batch.finished_at !== null) return 'done';
  return batch.queued === batch.total ? 'waiting' : 'running';
}

export const STATE_OF_BATCH: Record<BatchWord, State> = {
  waiting: 'ok',
  running: 'ok',
  done: 'ok',
  dead: 'critical',
  cancelled: 'muted',
};
