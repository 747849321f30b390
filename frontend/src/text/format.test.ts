import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatDate,
  formatNumber,
  formatPeriod,
  formatQuantity,
  formatSize,
} from './format';

/** Intl puts no-break spaces where people see spaces. */
const plain = (text: string) => text.replace(/\s/g, ' ');

describe('figures as Brazilians write them', () => {
  it('use a point for thousands and a comma for decimals', () => {
    expect(formatNumber(1234.5, 1, 'pt-BR')).toBe('1.234,5');
    expect(formatNumber(1234.5, 1, 'en')).toBe('1,234.5');
  });

  it('carry a true minus, and money puts it before the currency', () => {
    expect(formatNumber(-0.8, 1, 'pt-BR')).toBe('−0,8');
    expect(formatQuantity(-1234.5, 2, 'R$', 'pt-BR')).toBe('−R$ 1.234,50');
    expect(formatQuantity(0.001, 2, 'R$', 'pt-BR')).toBe('< R$ 0,01');
    expect(formatQuantity(-0.001, 2, 'R$', 'pt-BR')).toBe('> −R$ 0,01');
  });

  it('do not round something to nothing', () => {
    expect(formatNumber(0.001, 2, 'pt-BR')).toBe('< 0,01');
    expect(formatNumber(-0.04, 1, 'pt-BR')).toBe('> −0,1');
    expect(formatNumber(0, 2, 'pt-BR')).toBe('0,00');
  });

  it('set each unit where it is written', () => {
    expect(formatQuantity(-0.8, 1, '%', 'pt-BR')).toBe('−0,8%');
    expect(formatQuantity(12, 0, 'óbitos', 'pt-BR')).toBe('12 óbitos');
    expect(formatQuantity(12, 0, '', 'pt-BR')).toBe('12');
  });

  it('name a month and leave a year alone', () => {
    expect(formatPeriod('2019-07', 'pt-BR')).toBe('jul/2019');
    expect(formatPeriod('2020-01', 'en')).toBe('Jan/2020');
    expect(formatPeriod('2019', 'pt-BR')).toBe('2019');
  });

  it('put the day before the month in both languages', () => {
    const date = new Date(2026, 10, 22);
    expect(formatDate(date, 'pt-BR')).toBe('22/11/2026');
    expect(formatDate(date, 'en')).toBe('22/11/2026');
  });

  it.each([
    ['2026-11-22T11:59:40Z', 'agora'],
    ['2026-11-22T11:50:00Z', 'há 10 minutos'],
    ['2026-11-22T09:00:00Z', 'há 3 horas'],
    ['2026-11-19T12:00:00Z', 'há 3 dias'],
    ['2025-10-01T12:00:00Z', 'há 1 ano'],
  ])('tell the age of %s as %s', (iso, age) => {
    expect(plain(formatAge(iso, new Date('2026-11-22T12:00:00Z'), 'pt-BR'))).toBe(age);
  });

  it('tell a size in the unit people compare', () => {
    expect(formatSize(1234567, 'pt-BR')).toBe('1,2 MB');
    expect(formatSize(999, 'pt-BR')).toBe('999 B');
  });
});
