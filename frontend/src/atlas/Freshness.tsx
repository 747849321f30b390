import type { Indicator, SourceNote } from '../api/types';
import { useLanguage } from '../i18n/language';
import { formatAge, formatMoment } from '../text/format';
import styles from './Freshness.module.css';

/** How old, in words, with the exact moment at hand. */
export function Age({ iso }: { iso: string | null }) {
  const { say, language } = useLanguage();
  if (!iso) return <span>{say('fresh.never')}</span>;
  return (
    <time dateTime={iso} title={formatMoment(iso, language)}>
      {say('fresh.updated', { age: formatAge(iso, new Date(), language) })}
    </time>
  );
}

interface FreshnessProps {
  indicator: Indicator;
  source: SourceNote | undefined;
  counted: string;
}

/** Age, source, licence and every warning the number needs: always on the face of the map. */
export function Freshness({ indicator, source, counted }: FreshnessProps) {
  const { say } = useLanguage();
  const notes = new Set([indicator.coverage_note, indicator.note, source?.note]);
  return (
    <div className={styles.freshness}>
      {[...notes].map(
        (note) =>
          note && (
            <p key={note} className={styles.warning} lang="pt-BR">
              <span aria-hidden="true">▲</span> {note}
            </p>
          ),
      )}
      <p>
        {counted} · <Age iso={source?.fetched_at ?? indicator.fetched_at} />
      </p>
      <p>
        {say('fresh.source', { source: source?.name ?? indicator.source })} (
        {source?.dataset ?? indicator.dataset}) ·{' '}
        {say('fresh.license', { license: source?.license ?? indicator.license })}
      </p>
    </div>
  );
}
