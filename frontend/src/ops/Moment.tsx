import { useLanguage } from '../i18n/language';
import { formatAge, formatMoment } from '../text/format';
import { useNow } from './useNow';

/** How long ago, with the moment itself behind it. */
export function Moment({ iso }: { iso: string | null | undefined }) {
  const { language } = useLanguage();
  const now = useNow();
  if (!iso) return '—';
  // What came after the clock last ticked is of now, not of the future.
  const at = Math.max(now, Math.min(Date.now(), new Date(iso).getTime()));
  return (
    <time dateTime={iso} title={formatMoment(iso, language)}>
      {formatAge(iso, new Date(at), language)}
    </time>
  );
}
