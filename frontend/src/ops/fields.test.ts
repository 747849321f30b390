import { describe, expect, it } from 'vitest';
import { initialOf, isoOf, localOf, missingOf, namesOf, thingsOf } from './fields';

const fields = [
  { name: 'title', label: 'T', required: true },
  { name: 'impact', label: 'I' },
  { name: 'severity', label: 'S', required: true, initial: 'high' },
];

describe('what a decision is told', () => {
  it('begins with what each field proposes', () => {
    expect(initialOf(fields)).toEqual({ title: '', impact: '', severity: 'high' });
  });

  it('lacks what is required and blank, and nothing else', () => {
    expect(missingOf(fields, { title: '  ', impact: '', severity: 'high' })).toEqual(['title']);
    expect(missingOf(fields, { title: 'x', impact: '', severity: 'low' })).toEqual([]);
  });

  it('has names set apart by commas, spaces or lines, and things by commas or lines', () => {
    expect(namesOf(' alert.*, incident.*\n  letter.dead ')).toEqual([
      'alert.*',
      'incident.*',
      'letter.dead',
    ]);
    expect(thingsOf('mapa do Brasil, API\n')).toEqual(['mapa do Brasil', 'API']);
    expect([namesOf(undefined), thingsOf('')]).toEqual([[], []]);
  });

  it('has moments of this clock that come back the same', () => {
    const moment = new Date('2026-11-30T21:40:00Z');
    expect(isoOf(localOf(moment))).toBe(moment.toISOString());
    expect(isoOf('no moment')).toBeNull();
  });
});
