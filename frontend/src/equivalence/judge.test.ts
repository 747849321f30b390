import { describe, expect, it } from 'vitest';
import { endedShare, type Mark, marksOf, piecesOf, statusOf, termsOf, worstFirst } from './judge';
import type { Evidence, Item } from './types';

const evidence = (place: Partial<Evidence>): Evidence => ({
  lado: 'destino',
  indice: 0,
  trecho: '',
  inicio: 0,
  fim: 1,
  metodo: 'lexical',
  confianca: 1,
  ...place,
});

const item = (changes: Partial<Item>): Item => ({
  conceito: 'c',
  rotulo: 'C',
  peso: 1,
  critico: false,
  situacao: 'coberto',
  evidencias: [],
  ...changes,
});

const mark = (begin: number, end: number, item = 0): Mark => ({
  begin,
  end,
  kind: 'coberto',
  critical: false,
  item,
  why: '',
});

describe('a syllabus with its marks', () => {
  it('is the whole text, in order, cut where marks begin and end', () => {
    const pieces = piecesOf('Limites e derivadas.', [mark(0, 7), mark(10, 19)]);
    expect(pieces.map(({ text, mark: on }) => [text, on !== null])).toEqual([
      ['Limites', true],
      [' e ', false],
      ['derivadas', true],
      ['.', false],
    ]);
  });

  it('counts characters as the engine does, whatever JavaScript makes of them', () => {
    const [, marked] = piecesOf('𝛼 limites', [mark(2, 9)]);
    expect(marked?.text).toBe('limites');
  });

  it('has the shorter of two marks speak where they overlap', () => {
    const pieces = piecesOf('abcdef', [mark(0, 6, 1), mark(2, 4, 2)]);
    expect(pieces.map(({ text, mark: on }) => [text, on?.item])).toEqual([
      ['ab', 1],
      ['cd', 2],
      ['ef', 1],
    ]);
  });

  it('bears marks beyond its end, and none at all', () => {
    expect(piecesOf('abc', [mark(1, 99)]).map(({ text }) => text)).toEqual(['a', 'bc']);
    expect(piecesOf('abc', []).map(({ text }) => text)).toEqual(['abc']);
    expect(piecesOf('', [])).toEqual([]);
  });

  it('takes only the marks of its own side and number', () => {
    const items = [
      item({ evidencias: [evidence({}), evidence({ lado: 'origem', indice: 1 })] }),
      item({ situacao: 'duvidoso', evidencias: [evidence({ lado: 'origem', indice: 0 })] }),
    ];
    const ignored = [{ ...evidence({ lado: 'origem', indice: 1 }), motivo: 'exclusao' }];
    expect(marksOf(items, ignored, 'origem', 1).map(({ kind, item: of }) => [kind, of])).toEqual([
      ['coberto', 0],
      ['ignorado', -1],
    ]);
    expect(marksOf(items, ignored, 'destino', 0)).toHaveLength(1);
  });
});

describe('what the destination teaches', () => {
  it('is listed critical and missing first', () => {
    const items = [
      item({ rotulo: 'ok' }),
      item({ rotulo: 'falta', situacao: 'faltante' }),
      item({ rotulo: 'crítico ok', critico: true }),
      item({ rotulo: 'crítico falta', critico: true, situacao: 'faltante' }),
    ];
    expect(worstFirst(items).map(({ rotulo }) => rotulo)).toEqual([
      'crítico falta',
      'crítico ok',
      'falta',
      'ok',
    ]);
  });
});

describe('the score', () => {
  it('is the sum of its terms', () => {
    const terms = termsOf({ cobertura: 0.9, cobertura_critica: 1, penalidade_nivel: 0.5 }, 89);
    expect(terms.map(({ points }) => Math.round(points ?? 0))).toEqual([54, 40, -5]);
  });

  it('by other weights than ours shows none that would not add up', () => {
    const terms = termsOf({ cobertura: 0.9, cobertura_critica: 1, penalidade_nivel: 0.5 }, 70);
    expect(terms.map(({ weight, points }) => [weight, points])).toEqual(
      Array(3).fill([null, null]),
    );
  });
});

describe('a batch', () => {
  const batch = {
    id: 'b',
    actor: 'a',
    trigger: 'api',
    total: 4,
    queued: 0,
    running: 0,
    done: 3,
    dead: 1,
    cancelled: 0,
    created_at: '',
    finished_at: '2026-11-30T00:00:00Z',
    cancelled_at: null,
  };

  it.each([
    [{ finished_at: null, queued: 4, done: 0, dead: 0 }, 'queued'],
    [{ finished_at: null, queued: 1, done: 3, dead: 0 }, 'running'],
    [{}, 'failed'],
    [{ dead: 0, done: 4 }, 'done'],
    [{ dead: 0, cancelled: 1 }, 'cancelled'],
  ])('%j is %s', (changes, status) => expect(statusOf({ ...batch, ...changes })).toBe(status));

  it('has ended as far as its items have, whichever way', () => {
    expect(endedShare(batch)).toBe(100);
    expect(endedShare({ total: 0, done: 0, dead: 0, cancelled: 0 })).toBe(0);
  });
});
