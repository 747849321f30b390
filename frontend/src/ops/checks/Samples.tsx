import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import styles from './Checks.module.css';
import { columnsOf, type Sample } from './said';

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '—';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Rows that failed a check, as they are. */
export function Samples({ samples, of }: { samples: readonly Sample[]; of: string }) {
  const { say, language } = useLanguage();
  if (samples.length === 0) return null;
  const columns = columnsOf(samples);
  const title = say('check.samples', { count: formatNumber(samples.length, 0, language) });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable
    <section className={styles.samples} tabIndex={0} aria-label={`${title}: ${of}`}>
      <table>
        <caption>{title}</caption>
        {columns.some((name) => name !== '') && (
          <thead>
            <tr>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {samples.map((sample, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: samples have no name of their own
            <tr key={at}>
              {columns.map((name) => (
                <td key={name}>{textOf(sample[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
