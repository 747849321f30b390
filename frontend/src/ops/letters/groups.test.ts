import { describe, expect, it } from 'vitest';
import type { Letter } from '../../api/opsTypes';
import { groupsOf } from './groups';

const letter = (id: number, change: Partial<Letter>): Letter =>
  ({
    dead_letter_id: id,
    what: 'row',
    entity_type: 'deaths',
    reason: 'uf: vazio',
    job_name: 'deaths',
    reference_period: '2019',
    created_at_utc: `2026-11-22T12:00:0${id}Z`,
    ...change,
  }) as Letter;

describe('letters put aside alike', () => {
  it('are one thing to decide, the most numerous first', () => {
    const groups = groupsOf([
      letter(3, { reason: 'outro' }),
      letter(2, {}),
      letter(1, { reference_period: '2020' }),
      letter(4, { entity_type: 'births' }),
    ]);
    expect(groups.map(({ source, reason, ids }) => [source, reason, ids])).toEqual([
      ['deaths', 'uf: vazio', [2, 1]],
      ['deaths', 'outro', [3]],
      ['births', 'uf: vazio', [4]],
    ]);
    expect(groups[0]?.since).toBe('2026-11-22T12:00:01Z');
  });

  it('ask for a run per job and period, and for each item by itself', () => {
    const item = { what: 'item', job_name: 'toy', reference_period: null } as const;
    expect(groupsOf([letter(1, {}), letter(2, {})])[0]?.runs).toBe(1);
    expect(groupsOf([letter(1, {}), letter(2, { reference_period: '2020' })])[0]?.runs).toBe(2);
    expect(groupsOf([letter(1, item), letter(2, item)])[0]?.runs).toBe(2);
  });
});
