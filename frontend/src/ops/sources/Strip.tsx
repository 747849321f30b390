import type { SourceDay } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatDate } from '../../text/format';
import { useWords } from '../words';
import { countsOf, SOURCE_STATES } from './judge';
import styles from './Strip.module.css';

/** A day as it is written, in the day's own zone: it has no hour. */
function dateOf(day: string): Date {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date);
}

/** Days beside one another, each a bar whose height and colour say how it was. */
export function Strip({ days, of }: { days: readonly SourceDay[]; of: string }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const told = countsOf(days).map(([state, count]) => `${words('source.state', state)}: ${count}`);
  return (
    <span
      className={styles.strip}
      role="img"
      aria-label={`${of}, ${say('source.days', { days: days.length })}: ${told.join(', ')}`}
    >
      {days.map(({ day, state }) => (
        <i
          key={day}
          data-state={state}
          title={`${formatDate(dateOf(day), language)}: ${words('source.state', state)}`}
        />
      ))}
    </span>
  );
}

/** What the bars mean. */
export function StripLegend() {
  const words = useWords();
  return (
    <p className={styles.legend}>
      {SOURCE_STATES.map((state) => (
        <span key={state}>
          <span className={styles.strip} aria-hidden="true">
            <i data-state={state} />
          </span>{' '}
          {words('source.state', state)}
        </span>
      ))}
    </p>
  );
}
