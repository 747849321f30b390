/** Letters without case, accents or punctuation, so that "sao joao d oeste" meets "São João d'Oeste". */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/**
 * How well a folded name answers a folded question: 0 is exact, 1 begins with it,
 * 2 has a word that begins with it, 3 contains it; null is no answer.
 */
export function closeness(name: string, question: string): number | null {
  if (question === '') return 3;
  if (name === question) return 0;
  if (name.startsWith(question)) return 1;
  if (name.includes(` ${question}`)) return 2;
  return name.includes(question) ? 3 : null;
}
