import { describe, expect, it } from 'vitest';
import { distinctNotes } from './notes';

describe('notes', () => {
  it('are said once, the longer one when it holds the shorter', () => {
    const coverage = 'cobertura crescente';
    const both = 'cobertura crescente; maio incompleto';
    expect(distinctNotes([coverage, both, coverage, null, ''])).toEqual([both]);
  });

  it('that differ are all said, in order', () => {
    expect(distinctNotes(['b', undefined, 'a'])).toEqual(['b', 'a']);
  });
});
