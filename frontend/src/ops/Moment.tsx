import { useLanguage } from '../i18n/language';
import { formatAge, formatMoment } from '../text/format';

/** How long ago, with the moment itself behind it. */
export function Moment({ iso }: { iso: string | null | undefined }) {
  const { language } = useLanguage();
  if (!iso) return '—';
  return (
    <time dateTime={iso} title={formatMoment(iso, language)}>
      {formatAge(iso, new Date(), language)}
    </time>
  );
}
