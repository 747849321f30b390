import { describe, expect, it } from 'vitest';
import type { Indicator } from '../api/types';
import { viewOf } from '../view/address';
import { questionOf } from './useAtlas';

const base = {
  code: 'deaths_total',
  levels: ['municipality', 'state'],
  periods: ['2015', '2019'],
} as Indicator;
const wage = { ...base, code: 'minimum_wage', levels: ['country'] } as Indicator;
const empty = { ...base, code: 'population', periods: [] as string[] } as Indicator;
const area = { ...base, code: 'area', levels: ['municipality'], periods: ['2010'] } as Indicator;

const asked = (search: Record<string, string>) =>
  questionOf([wage, empty, base, area], viewOf(search)) ?? null;

describe('the question an address asks', () => {
  it('is the first indicator that has a map, in its last period, when it asks nothing', () => {
    expect(asked({})).toMatchObject({ indicator: base, period: '2019', level: 'municipality' });
  });

  it('keeps the period asked when the indicator has it, else takes the last', () => {
    expect(asked({ period: '2015' })?.period).toBe('2015');
    expect(asked({ indicator: 'area', period: '2015' })?.period).toBe('2010');
  });

  it('never puts a national number on the map', () => {
    expect(asked({ indicator: 'minimum_wage' })?.indicator).toBe(base);
  });

  it('is never one that has no data yet', () => {
    expect(asked({ indicator: 'population' })?.indicator).toBe(base);
  });

  it('falls back to the level the indicator has', () => {
    expect(asked({ level: 'state' })?.level).toBe('state');
    expect(asked({ indicator: 'area', level: 'state' })?.level).toBe('municipality');
  });

  it('is none when nothing can be mapped', () => {
    expect(questionOf([wage], viewOf({}))).toBeNull();
  });
});
