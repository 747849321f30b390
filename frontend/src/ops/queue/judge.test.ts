import { describe, expect, it } from 'vitest';
import type { Batch, Queue } from '../../api/opsTypes';
import { LATE_SECONDS, PATIENCE_SECONDS, verdictOf, wordOfBatch } from './judge';

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
  const batch = {
    total: 2,
    queued: 0,
    dead: 0,
    cancelled: 0,
    finished_at: null,
    cancelled_at: null,
  };
  it.each([
    ['waiting', { queued: 2 }],
    ['running', { queued: 1 }],
    ['done', { finished_at: 'x' }],
    ['dead', { finished_at: 'x', dead: 1 }],
    ['dead', { dead: 1 }],
    ['cancelled', { cancelled_at: 'x' }],
    ['cancelled', { cancelled: 2, finished_at: 'x' }],
  ])('is %s with %j', (word, change) => {
    expect(wordOfBatch({ ...batch, ...change } as Batch)).toBe(word);
  });
});
