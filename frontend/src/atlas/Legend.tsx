import { useMemo } from 'react';
import type { Indicator } from '../api/types';
import { type Say, useLanguage } from '../i18n/language';
import { formatNumber, type Language } from '../text/format';
import { classCount, classOf } from './classes';
import styles from './Legend.module.css';
import { GROUND, type Scheme } from './palette';

type Classed = Pick<Indicator, 'classes' | 'decimals' | 'scale' | 'center'>;

/** Each class in words: the first and the last are open, for they hold what lies beyond. */
export function classNames(indicator: Classed, language: Language, say: Say): string[] {
  const { classes, decimals } = indicator;
  // Edges like 20 or 1000 need no decimals even where the values have them.
  const digits = classes.every(Number.isInteger) ? 0 : decimals;
  const edge = (index: number) => formatNumber(classes[index] ?? 0, digits, language);
  // Of things that are counted, 50 to 75 (75 out) is 50 to 74.
  const top = (index: number) =>
    decimals === 0 ? formatNumber((classes[index] ?? 0) - 1, 0, language) : edge(index);
  const last = classCount(classes) - 1;
  return Array.from({ length: last + 1 }, (_, index) => {
    if (index === last) return say('legend.from', { from: edge(index) });
    if (index === 0) return say('legend.below', { to: edge(1) });
    if (edge(index) === top(index + 1)) return edge(index);
    return say('legend.range', { from: edge(index), to: top(index + 1) });
  });
}

function countsOf(values: ReadonlyMap<string, number>, classes: readonly number[]): number[] {
  const counts = Array.from({ length: classCount(classes) }, () => 0);
  for (const value of values.values()) {
    const index = classOf(value, classes);
    if (index >= 0) counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

interface LegendProps {
  indicator: Classed;
  colours: readonly string[];
  values: ReadonlyMap<string, number>;
  total: number;
  scheme: Scheme;
}

/** The classes with how many places each holds now; the bars move with time, the classes do not. */
export function Legend({ indicator, colours, values, total, scheme }: LegendProps) {
  const { say, language } = useLanguage();
  const names = useMemo(() => classNames(indicator, language, say), [indicator, language, say]);
  const counts = useMemo(() => countsOf(values, indicator.classes), [values, indicator.classes]);
  const most = Math.max(1, ...counts);
  const empty = total - values.size;
  const ground = GROUND[scheme];
  return (
    <section aria-label={say('legend.title')} className={styles.legend}>
      <ul className={styles.classes}>
        {names.map((name, index) => (
          <li key={name}>
            <span className={styles.swatch} style={{ background: colours[index] }} />
            <span className={styles.name}>{name}</span>
            <span className={styles.bar}>
              <span style={{ width: `${(100 * (counts[index] ?? 0)) / most}%` }} />
            </span>
            <span className={styles.count}>{formatNumber(counts[index] ?? 0, 0, language)}</span>
          </li>
        ))}
        <li>
          <span
            className={styles.swatch}
            style={{
              background: `repeating-linear-gradient(135deg, ${ground.hatch} 0 1.5px, ${ground.land} 1.5px 4px)`,
            }}
          />
          <span className={styles.name}>{say('legend.noData')}</span>
          <span className={styles.bar} />
          <span className={styles.count}>{formatNumber(empty, 0, language)}</span>
        </li>
      </ul>
      <p className={styles.note}>
        <span className={styles.swatch} style={{ background: ground.water }} />{' '}
        {say('legend.water')}. {say('legend.fixed')}
        {indicator.scale === 'diverging' &&
          ` ${say('legend.centre', { value: formatNumber(indicator.center ?? 0, 0, language) })}.`}
      </p>
    </section>
  );
}
