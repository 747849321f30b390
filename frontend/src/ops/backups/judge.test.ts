import { describe, expect, it } from 'vitest';
import type { Backup } from '../../api/opsTypes';
import { bestOf, stateOfBackup } from './judge';

const backup = (name: string, change: Partial<Backup> = {}): Backup =>
  ({
    name,
    created_at_utc: `2026-11-2${name}T00:00:00Z`,
    verified_at_utc: 'x',
    problem: null,
    removed_at_utc: null,
    ...change,
  }) as Backup;

describe('a backup', () => {
  it.each([
    ['ok', {}],
    ['unknown', { verified_at_utc: null }],
    ['critical', { problem: 'x' }],
    ['critical', { problem: 'x', removed_at_utc: 'x' }],
    ['muted', { removed_at_utc: 'x' }],
  ])('is %s with %j', (state, change) => {
    expect(stateOfBackup(backup('1', change))).toBe(state);
  });

  it('to restore from is the newest that is known to be good', () => {
    const all = [
      backup('1'),
      backup('3'),
      backup('2'),
      backup('4', { verified_at_utc: null }),
      backup('5', { problem: 'x' }),
      backup('6', { removed_at_utc: 'x' }),
    ];
    expect(bestOf(all)?.name).toBe('3');
    expect(bestOf(all.slice(3))).toBeUndefined();
  });
});
