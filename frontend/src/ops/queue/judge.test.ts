import { describe, expect, it } from 'vitest';
import type { Batch, Queue } from '../../api/opsTypes';
import { LATE_SECONDS, PATIENCE_SECONDS, stateOfBatch, verdictOf } from './judge';

const queue = (change: object, alive = true) =>
  ({
    queued: 0,
    running: 0,
    oldest_due_seconds: 0,
    workers: [{ alive: false }, { alive }],
    ...change,
  }) as Queue;

describe('the queue', () => {
  it.each([
    ['idle', {}, false],
    ['working', { running: 1 }, true],
    ['waiting', { queued: 1, oldest_due_seconds: PATIENCE_SECONDS }, false],
    ['waiting', { queued: 1, oldest_due_seconds: null }, false],
    ['stuck', { queued: 1, oldest_due_seconds: PATIENCE_SECONDS + 1 }, false],
    ['working', { queued: 1, running: 1, oldest_due_seconds: LATE_SECONDS }, true],
    ['late', { queued: 1, running: 1, oldest_due_seconds: LATE_SECONDS + 1 }, true],
  ])('is %s with %j and somebody at work: %s', (verdict, change, alive) => {
    expect(verdictOf(queue(change, alive))).toBe(verdict);
  });
});

describe('a batch', () => {
  const batch = { dead: 0, cancelled: 0, finished_at: null, cancelled_at: null };
  it.each([
    ['unknown', {}],
    ['ok', { finished_at: 'x' }],
    ['critical', { finished_at: 'x', dead: 1 }],
    ['critical', { dead: 1 }],
    ['muted', { cancelled_at: 'x' }],
    ['muted', { cancelled: 2, finished_at: 'x' }],
  ])('is %s with %j', (state, change) => {
    expect(stateOfBatch({ ...batch, ...change } as Batch)).toBe(state);
  });
});
