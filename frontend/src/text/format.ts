export type Language = 'pt-BR' | 'en';

const MINUTE = 60;
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 24 * 60 * MINUTE],
  ['month', 30 * 24 * 60 * MINUTE],
  ['day', 24 * 60 * MINUTE],
  ['hour', 60 * MINUTE],
  ['minute', MINUTE],
];

// Building an Intl formatter costs far more than using one, and a table asks for thousands.
const made = new Map<string, Intl.NumberFormat>();

function numberFormat(language: Language, decimals: number): Intl.NumberFormat {
  const key = `${language}/${decimals}`;
  let format = made.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    made.set(key, format);
  }
  return format;
}

/** A number as people write it there, with a true minus sign: 1.234,5 in pt-BR. */
export function formatNumber(value: number, decimals: number, language: Language): string {
  const format = numberFormat(language, decimals);
  const least = 10 ** -decimals;
  // Something that rounds to nothing is not nothing.
  if (value !== 0 && Math.abs(value) < least / 2) {
    return value > 0 ? `< ${format.format(least)}` : `> −${format.format(least)}`;
  }
  return format.format(value).replace('-', '−');
}

/** A number with its unit where that unit is written: R$ 1.234,50 · −0,8% · 12 óbitos. */
export function formatQuantity(
  value: number,
  decimals: number,
  unit: string,
  language: Language,
): string {
  const digits = formatNumber(value, decimals, language);
  if (unit === '%') return `${digits}%`;
  if (unit.startsWith('R$')) {
    // The sign, or that it is less than the least written, stands before the currency.
    const [, before = '', figure = digits] = /^([<>−\s]*)(.*)$/.exec(digits) ?? [];
    return `${before}R$ ${figure}`;
  }
  return unit === '' ? digits : `${digits} ${unit}`;
}

/** '2019' stays; '2019-07' becomes jul/2019. */
export function formatPeriod(period: string, language: Language): string {
  const match = /^(\d{4})-(\d{2})$/.exec(period);
  if (!match) return period;
  const date = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, 1));
  const month = new Intl.DateTimeFormat(language, { month: 'short', timeZone: 'UTC' }).format(date);
  return `${month.replace('.', '')}/${match[1]}`;
}

/** 22/11/2026 14:00 in pt-BR, in the reader's own time zone. */
export function formatMoment(iso: string, language: Language): string {
  const locale = language === 'en' ? 'en-GB' : language;
  return new Intl.DateTimeFormat(locale, { dateStyle: 'short', timeStyle: 'short' }).format(
    new Date(iso),
  );
}

export function formatDate(date: Date, language: Language): string {
  const locale = language === 'en' ? 'en-GB' : language;
  return new Intl.DateTimeFormat(locale, {
    day: '2-digit',
    month: '2-digit',
    year: 'numeric',
  }).format(date);
}

/** How long ago, in the largest unit that fits: "há 3 horas". */
export function formatAge(iso: string, now: Date, language: Language): string {
  const seconds = (new Date(iso).getTime() - now.getTime()) / 1000;
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'always' });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(0, 'second');
}

/** 1.234.567 bytes as 1,2 MB: what a person compares, not what a machine counts. */
export function formatSize(bytes: number, language: Language): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let size = bytes;
  let step = 0;
  while (size >= 1000 && step < units.length - 1) {
    size /= 1000;
    step += 1;
  }
  return `${formatNumber(size, step === 0 ? 0 : 1, language)} ${units[step]}`;
}
