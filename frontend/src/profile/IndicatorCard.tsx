import { SegmentedControl, useComputedColorScheme } from '@mantine/core';
import { useInViewport } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { compareQuery } from '../api/queries';
import type { ComparedSeries, Indicator, ProfileIndicator, Territory } from '../api/types';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { Age, Warning } from '../atlas/Freshness';
import { DownloadMenu } from '../download/DownloadMenu';
import { type Say, useLanguage } from '../i18n/language';
import { OriginButton } from '../origin/OriginButton';
import { formatNumber, formatPeriod, formatQuantity } from '../text/format';
import { distinctNotes } from '../text/notes';
import { CompareBars } from './CompareBars';
import { saveChart, saveSeries } from './downloads';
import type { ECharts } from './echarts';
import styles from './IndicatorCard.module.css';
import { basePeriod, ends, fitting, indexed, periodsOf, type Scale, suitedScale } from './lines';
import { SeriesTable } from './SeriesTable';

const LineChart = lazy(() => import('./LineChart').then(({ LineChart: it }) => ({ default: it })));

interface IndicatorCardProps {
  territory: Territory;
  number: ProfileIndicator;
  about: Indicator;
  dataVersion: number;
  compared: readonly string[];
}

function useFigures({ number, about }: Pick<IndicatorCardProps, 'number' | 'about'>) {
  const { language } = useLanguage();
  const { decimals } = about;
  return {
    plain: (value: number) => formatNumber(value, decimals, language),
    withUnit: (value: number) => formatQuantity(value, decimals, number.unit, language),
  };
}

/** Rio de Janeiro stands beside Rio de Janeiro: a state's line says that it is one. */
function toldApart(series: readonly ComparedSeries[], say: Say): ComparedSeries[] {
  return series.map((one) =>
    one.kind === 'state' ? { ...one, name: say('chart.stateName', { name: one.name }) } : one,
  );
}

/** The API says where each number is explained; the drawer asks by the number's own address. */
function uriOf({ explain }: ProfileIndicator): string {
  return explain.replace(/^.*?\/explain\//, '');
}

/** What the chart shows, as a sentence: from where to where, and never why. */
export function useChartTitle(
  number: ProfileIndicator,
  withUnit: (value: number) => string,
): string {
  const { say, language } = useLanguage();
  // What comes after the number shown is a period that is not whole.
  const span = ends(number.series.filter(({ period }) => period <= number.period));
  if (span) {
    const [first, last] = span;
    return say('chart.title.change', {
      name: number.name,
      from: withUnit(first.value ?? 0),
      fromPeriod: formatPeriod(first.period, language),
      to: withUnit(last.value ?? 0),
      toPeriod: formatPeriod(last.period, language),
    });
  }
  if (number.value === null) return say('chart.title.none', { name: number.name });
  return say('chart.title.single', {
    name: number.name,
    value: withUnit(number.value),
    period: formatPeriod(number.period, language),
  });
}

function Figure({
  territory,
  number,
  about,
}: Pick<IndicatorCardProps, 'territory' | 'number' | 'about'>) {
  const { say, language } = useLanguage();
  const { withUnit } = useFigures({ number, about });
  const { value, rank, rank_of, state_value, country_value, marker } = number;
  const shares = about.cumulative === true && value !== null && state_value;
  return (
    <div className={styles.figure}>
      <strong className={styles.value}>
        {value === null ? say('profile.noValue') : withUnit(value)}
      </strong>
      <span>{formatPeriod(number.period, language)}</span>
      {value !== null && (
        <OriginButton uri={uriOf(number)} what={`${number.name}, ${territory.name}`} />
      )}
      <ul className={styles.context}>
        {marker && <li>{say('profile.marker', { marker })}</li>}
        {rank !== null && rank_of !== null && (
          <li>
            {say('profile.rank', {
              rank: formatNumber(rank, 0, language),
              of: formatNumber(rank_of, 0, language),
            })}
          </li>
        )}
        {shares ? (
          <li>
            {say('profile.share', {
              percent: formatQuantity((100 * value) / state_value, 1, '%', language),
            })}
          </li>
        ) : (
          <>
            {state_value !== null && territory.level === 'municipality' && (
              <li>
                {say('profile.state')}: {withUnit(state_value)}
              </li>
            )}
            {country_value !== null && territory.level !== 'country' && (
              <li>
                {say('profile.country')}: {withUnit(country_value)}
              </li>
            )}
          </>
        )}
      </ul>
    </div>
  );
}

function useLines(series: readonly ComparedSeries[], wish: Scale | null) {
  return useMemo(() => {
    const base = basePeriod(series);
    const scale = wish ?? suitedScale(series);
    const { fit, tooLarge } = fitting(series);
    const canIndex = base !== null && tooLarge.length > 0;
    const drawn = scale === 'index' && base !== null ? indexed(series, base) : fit;
    return { base, scale: base === null ? 'value' : scale, drawn, canIndex, tooLarge } as const;
  }, [series, wish]);
}

interface ChartProps extends IndicatorCardProps {
  series: readonly ComparedSeries[];
  title: string;
}

/** The lines, the switch between index and value, and what may be taken away. */
function Chart({ territory, number, about, dataVersion, series, title }: ChartProps) {
  const spoken = useLanguage();
  const { say, language } = spoken;
  const scheme = useComputedColorScheme('light');
  const { plain } = useFigures({ number, about });
  const [wish, setWish] = useState<Scale | null>(null);
  const chart = useRef<ECharts | null>(null);
  const keep = useRef((made: ECharts | null) => {
    chart.current = made;
  });
  const { base, scale, drawn, canIndex } = useLines(series, wish);
  const periods = useMemo(() => periodsOf(series), [series]);
  const single = periods.length < 2;
  const axis =
    scale === 'index'
      ? say('chart.axis.index', { period: formatPeriod(base ?? '', language) })
      : number.unit;
  const file = { territory, number, about, dataVersion, series, title, axis };
  const formatAxis = (value: number) =>
    scale === 'index' ? formatNumber(value, 0, language) : plain(value);
  return (
    <>
      {single ? (
        series.length > 1 && (
          <CompareBars
            series={fitting(series).fit}
            period={number.period}
            formatValue={plain}
            missing={say('profile.noValue')}
          />
        )
      ) : (
        <Suspense fallback={<Waiting lines={3} />}>
          <p className={styles.axis}>{axis}</p>
          <LineChart
            series={drawn}
            periods={periods}
            scheme={scheme}
            label={title}
            formatValue={formatAxis}
            formatPeriod={(period) => formatPeriod(period, language)}
            onChart={keep.current}
          />
        </Suspense>
      )}
      {!single && canIndex && (
        <div className={styles.scale}>
          <SegmentedControl
            size="xs"
            aria-label={say('chart.scale')}
            value={scale}
            onChange={(next) => setWish(next as Scale)}
            data={(['index', 'value'] as const).map((one) => ({
              value: one,
              label: say(`chart.scale.${one}`),
            }))}
          />
          <small>
            {scale === 'index'
              ? say('chart.note.index', { period: formatPeriod(base ?? '', language) })
              : say('chart.note.value')}
          </small>
        </div>
      )}
      <div className={styles.foot}>
        <SeriesTable caption={title} series={series} formatValue={plain} />
        <DownloadMenu
          onCsv={() => saveSeries(file, spoken)}
          onPng={
            single
              ? undefined
              : () => chart.current && void saveChart(chart.current, file, scheme, spoken)
          }
        />
      </div>
    </>
  );
}

/** One number of a territory: its figure, its line among the others', its age, its way back. */
export function IndicatorCard(props: IndicatorCardProps) {
  const { territory, number, about, compared } = props;
  const { withUnit } = useFigures(props);
  const title = useChartTitle(number, withUnit);
  const { ref, inViewport } = useInViewport();
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (inViewport) setSeen(true);
  }, [inViewport]);
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery({
    ...compareQuery(territory.territory_id, number.code, [...compared]),
    enabled: seen,
  });
  // The number's own words already hold those on coverage.
  const partial = number.series.map(({ period }) => about.partial_periods[period]);
  const warnings = distinctNotes([about.coverage_note, number.note, ...partial]);
  return (
    <article ref={ref} className={styles.card} data-indicator={number.code}>
      <h4 className={styles.title}>{title}</h4>
      <Figure territory={territory} number={number} about={about} />
      {data ? (
        <Chart {...props} series={toldApart(data.series, say)} title={title} />
      ) : error ? (
        <Refusal error={error} onRetry={refetch} />
      ) : (
        <Waiting lines={4} />
      )}
      <p className={styles.source}>
        <Age iso={number.freshness} /> · {number.source}
      </p>
      {about.note && <p className={styles.source}>{about.note}</p>}
      {warnings.map((note) => (
        <Warning key={note} text={note} />
      ))}
    </article>
  );
}
