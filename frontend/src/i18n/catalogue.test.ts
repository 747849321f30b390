import { describe, expect, it } from 'vitest';
import { en } from './en';
import { keepLanguage, languageOf, sayIn } from './language';
import { ptBR } from './pt-BR';

const sources: Record<string, string> = import.meta.glob('../**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Families of keys whose last part is a value of the wire or of a closed type. */
const FAMILIES = [
  'level',
  'chart.scale',
  'verdict',
  'state',
  'ops.run',
  'ops.connector',
  'ops.source',
];

function paramsOf(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).sort();
}

describe('the catalogue', () => {
  it('has the same messages in both languages', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(ptBR).sort());
  });

  it('asks for the same parameters in both languages', () => {
    for (const [key, text] of Object.entries(ptBR)) {
      expect([key, paramsOf(en[key as keyof typeof ptBR])]).toEqual([key, paramsOf(text)]);
    }
  });

  it('says nothing that no screen says', () => {
    const code = Object.entries(sources)
      .filter(([path]) => !/i18n\/(pt-BR|en)\.ts$|\.test\./.test(path))
      .map(([, text]) => text)
      .join('\n');
    const silent = Object.keys(ptBR).filter((key) => {
      const inFamily = FAMILIES.some((family) => key.startsWith(`${family}.`));
      return !inFamily && !code.includes(`'${key}'`);
    });
    expect(silent).toEqual([]);
  });

  it('holds every Portuguese word the screens say: none is written into a component', () => {
    const components = Object.entries(sources).filter(([path]) => /(?<!test)\.tsx$/.test(path));
    const spoken = components.flatMap(([path, text]) =>
      [...text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '').matchAll(/>\s*([\p{L}][^<>{}=;]*?)\s*</gu)]
        .filter(([, words = '']) => /\p{L}{3,}/u.test(words) && !/[().&|?:]/.test(words))
        .map(([, words]) => `${path}: ${words}`),
    );
    expect(components.length).toBeGreaterThan(20);
    expect(spoken).toEqual([]);
  });

  it('fills parameters in place', () => {
    expect(sayIn('pt-BR')('hover.rank', { rank: 3, of: '5.564' })).toBe('3º de 5.564');
    expect(sayIn('en')('hover.rank', { rank: 3, of: '5,564' })).toBe('rank 3 of 5,564');
  });

  it('lets the address decide, then what the reader chose before, then Portuguese', () => {
    expect(languageOf(undefined)).toBe('pt-BR');
    keepLanguage('en');
    expect(languageOf(undefined)).toBe('en');
    expect(languageOf('pt-BR')).toBe('pt-BR');
    expect(languageOf('xx')).toBe('pt-BR');
  });
});
