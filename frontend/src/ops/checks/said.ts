import type { Check } from '../../api/types';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';

/** A row that failed a check, by its columns; what is no row stands under an empty name. */
export type Sample = Record<string, unknown>;

/** The rows a check kept of those that failed it. */
export function samplesOf({ details }: Pick<Check, 'details'>): Sample[] {
  const samples = details?.samples;
  if (!Array.isArray(samples)) return [];
  return samples.map((one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? (one as Sample)
      : { '': Array.isArray(one) ? one.join(' · ') : one },
  );
}

/** The columns of samples, in the order they first appear. */
export function columnsOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap(Object.keys))];
}

/** What a check says to do about its answer. */
export function todoOf({ details }: Pick<Check, 'details'>): string {
  return typeof details?.todo === 'string' ? details.todo : '';
}

/** What a check observed, or its limit: a number as people write it, words as they came. */
export function useFigure() {
  const { language } = useLanguage();
  return (value: number | string | null): string => {
    if (value === null || value === '') return '—';
    const number = Number(value);
    if (!Number.isFinite(number)) return String(value);
    return formatNumber(number, Number.isInteger(number) ? 0 : 2, language);
  };
}
