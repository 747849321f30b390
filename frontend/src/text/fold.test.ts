import { describe, expect, it } from 'vitest';
import { closeness, fold } from './fold';

describe('folding', () => {
  it.each([
    ['São João del-Rei', 'sao joao del rei'],
    ["Sant'Ana do Livramento", 'sant ana do livramento'],
    ['  POÇÕES ', 'pocoes'],
    ['Mãe d’Água', 'mae d agua'],
  ])('%s becomes %s', (name, folded) => {
    expect(fold(name)).toBe(folded);
  });

  it('ranks exact above beginning above word above inside above nothing', () => {
    const question = 'bom jesus';
    const names = [
      'bom jesus',
      'bom jesus da lapa',
      'senhor bom jesus',
      'xbom jesus',
      'bom conselho',
    ];
    expect(names.map((name) => closeness(name, question))).toEqual([0, 1, 2, 3, null]);
  });
});
