import type { ComparedSeries } from '../api/types';
import { useLanguage } from '../i18n/language';
import { formatPeriod } from '../text/format';
import { periodsOf, valueAt } from './lines';
import styles from './SeriesTable.module.css';

interface SeriesTableProps {
  caption: string;
  series: readonly ComparedSeries[];
  formatValue: (value: number) => string;
}

/** The chart's twin: every point of every line, in figures. */
export function SeriesTable({ caption, series, formatValue }: SeriesTableProps) {
  const { say, language } = useLanguage();
  return (
    <details className={styles.twin}>
      <summary>{say('chart.table')}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
      <section className={styles.scroll} tabIndex={0} aria-label={caption}>
        <table>
          <caption className="visually-hidden">{caption}</caption>
          <thead>
            <tr>
              <th scope="col">{say('chart.table.period')}</th>
              {series.map(({ territory_id, name }) => (
                <th key={territory_id} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {periodsOf(series).map((period) => (
              <tr key={period}>
                <th scope="row">{formatPeriod(period, language)}</th>
                {series.map((one) => {
                  const value = valueAt(one, period);
                  return (
                    <td key={one.territory_id}>
                      {value === null ? say('profile.noValue') : formatValue(value)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
