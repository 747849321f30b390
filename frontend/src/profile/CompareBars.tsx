import type { ComparedSeries } from '../api/types';
import styles from './CompareBars.module.css';
import { valueAt } from './lines';

interface CompareBarsProps {
  series: readonly ComparedSeries[];
  period: string;
  formatValue: (value: number) => string;
  missing: string;
}

/** One period has no line to draw: the same territories as bars from zero, in order. */
export function CompareBars({ series, period, formatValue, missing }: CompareBarsProps) {
  const bars = series
    .map((one) => ({ ...one, value: valueAt(one, period) }))
    .sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));
  const values = bars.map(({ value }) => value ?? 0);
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  const at = (value: number) => (100 * (value - low)) / span;
  return (
    <ul className={styles.bars}>
      {bars.map(({ territory_id, name, kind, value }) => (
        <li key={territory_id} data-kind={kind}>
          <span className={styles.name}>{name}</span>
          <span className={styles.track}>
            {value !== null && (
              <span
                style={{
                  left: `${at(Math.min(0, value))}%`,
                  width: `${Math.max(0.5, at(Math.max(0, value)) - at(Math.min(0, value)))}%`,
                }}
              />
            )}
          </span>
          <span className={styles.value}>{value === null ? missing : formatValue(value)}</span>
        </li>
      ))}
    </ul>
  );
}
