import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import type { Language } from '../text/format';
import { en } from './en';
import { type MessageKey, ptBR } from './pt-BR';

type ParamsOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamsOf<Rest>
  : never;

type Fill<Key extends MessageKey> =
  ParamsOf<(typeof ptBR)[Key]> extends never
    ? []
    : [params: Record<ParamsOf<(typeof ptBR)[Key]>, string | number>];

/** Says a message of the catalogue; the compiler asks for exactly its parameters. */
export type Say = <Key extends MessageKey>(key: Key, ...fill: Fill<Key>) => string;

const CATALOGUES: Record<Language, Record<MessageKey, string>> = { 'pt-BR': ptBR, en };
const SLOT = 'atalaia.language';

export function sayIn(language: Language): Say {
  return (key, ...fill) => {
    const params: Record<string, string | number> = fill[0] ?? {};
    return CATALOGUES[language][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
      String(params[name] ?? whole),
    );
  };
}

/** The address decides, then what this reader chose before, then Portuguese. */
export function languageOf(asked: string | undefined): Language {
  const wish = asked ?? localStorage.getItem(SLOT);
  return wish === 'en' ? 'en' : 'pt-BR';
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(SLOT, language);
}

interface Spoken {
  language: Language;
  say: Say;
}

const LanguageContext = createContext<Spoken>({ language: 'pt-BR', say: sayIn('pt-BR') });

export function LanguageProvider(props: { language: Language; children: ReactNode }) {
  const { language, children } = props;
  const spoken = useMemo(() => ({ language, say: sayIn(language) }), [language]);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  return <LanguageContext value={spoken}>{children}</LanguageContext>;
}

export function useLanguage(): Spoken {
  return useContext(LanguageContext);
}
