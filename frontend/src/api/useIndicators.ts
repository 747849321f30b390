import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { useLanguage } from '../i18n/language';
import type { Language } from '../text/format';
import { indicatorsQuery } from './queries';
import type { Indicator, List } from './types';

/** The indicator with its words in the reader's language; codes and figures are the same in all. */
export function inLanguage(indicator: Indicator, language: Language): Indicator {
  return language === 'en' ? { ...indicator, ...indicator.en } : indicator;
}

/** The catalogue of indicators, as the reader's language calls them. */
export function useIndicators() {
  const { language } = useLanguage();
  const select = useCallback(
    ({ items }: List<Indicator>) => items.map((one) => inLanguage(one, language)),
    [language],
  );
  return useQuery({ ...indicatorsQuery, select });
}
