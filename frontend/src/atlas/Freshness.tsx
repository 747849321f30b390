import type { Indicator, SourceNote } from '../api/types';
import { useLanguage } from '../i18n/language';
import { formatAge, formatMoment } from '../text/format';
import { distinctNotes } from '../text/notes';
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

/** A warning beside its number: its first lines always, the rest one press away. */
export function Warning({ text }: { text: string }) {
  return (
    <details className={styles.warning}>
      <summary>
        <span aria-hidden="true">▲</span> {text}
      </summary>
    </details>
  );
}

interface FreshnessProps {
  indicator: Indicator;
  source: SourceNote | undefined;
  counted: string;
}

/** Age, source, licence and every warning the number needs: always on the face of the map. */
export function Freshness({ indicator, source, counted }: FreshnessProps) {
  const { say, language } = useLanguage();
  // What the source's note says in Portuguese the catalogue says in every language.
  const warnings = distinctNotes(
    language === 'en' ? [indicator.coverage_note] : [indicator.coverage_note, source?.note],
  );
  return (
    <div className={styles.freshness}>
      {warnings.map((note) => (
        <Warning key={note} text={note} />
      ))}
      <p>
        {counted} · <Age iso={source?.fetched_at ?? indicator.fetched_at} /> ·{' '}
        {say('fresh.source', { source: indicator.source })}
      </p>
      <details>
        <summary>{say('fresh.about')}</summary>
        <p>{indicator.note}</p>
        <p>{say('fresh.dataset', { dataset: source?.dataset ?? indicator.dataset })}</p>
        <p>{say('fresh.license', { license: indicator.license })}</p>
      </details>
    </div>
  );
}
