import { useEffect, useEffectEvent, useMemo, useRef } from 'react';
import type { ComparedSeries, SeriesKind } from '../api/types';
import type { Scheme } from '../atlas/palette';
import { type ECharts, init } from './echarts';
import styles from './LineChart.module.css';
import { setApart } from './lines';

/** Height of a name at the end of a line. */
const LABEL_PX = 13;
/** Height of the periods under the lines, which no name may cover. */
const AXIS_PX = 20;

/** The territory in the accent, those chosen beside it in their own inks, the rest grey. */
const INK: Record<
  Scheme,
  { self: string; others: string[]; grey: string; text: string; rule: string }
> = {
  light: {
    self: '#155868',
    others: ['#b3541e', '#6b4c9a', '#4c6b1f', '#9a2c5b'],
    grey: '#a39c8d',
    text: '#5a554a',
    rule: '#e4dfd3',
  },
  dark: {
    self: '#7cc0cc',
    others: ['#f0a45d', '#b79cf0', '#b5cf7a', '#ef8fb8'],
    grey: '#7d878c',
    text: '#aeb1ab',
    rule: '#31383b',
  },
};

interface LineChartProps {
  series: readonly ComparedSeries[];
  periods: readonly string[];
  scheme: Scheme;
  label: string;
  formatValue: (value: number) => string;
  formatPeriod: (period: string) => string;
  onChart?: (chart: ECharts | null) => void;
}

const IS_GREY: ReadonlySet<SeriesKind> = new Set(['state', 'country', 'peer']);

function lineOf(one: ComparedSeries, nth: number, props: LineChartProps) {
  const ink = INK[props.scheme];
  const grey = IS_GREY.has(one.kind);
  const colour =
    one.kind === 'self' ? ink.self : grey ? ink.grey : (ink.others[nth % 4] ?? ink.grey);
  const byPeriod = new Map(one.points.map(({ period, value }) => [period, value]));
  const few = props.periods.length <= 12;
  return {
    type: 'line' as const,
    name: one.name,
    data: props.periods.map((period) => byPeriod.get(period) ?? null),
    color: colour,
    lineStyle: {
      width: one.kind === 'self' ? 2.75 : grey ? 1.25 : 2,
      type: one.kind === 'country' ? ([5, 4] as number[]) : ('solid' as const),
    },
    symbol: 'circle',
    symbolSize: one.kind === 'self' ? 6 : 4,
    showSymbol: few && !grey,
    z: one.kind === 'self' ? 5 : grey ? 2 : 4,
    connectNulls: false,
    endLabel: {
      show: one.kind !== 'peer',
      formatter: '{a}',
      color: grey ? ink.text : colour,
      fontSize: 11,
      fontWeight: one.kind === 'self' ? (600 as const) : (400 as const),
      width: 116,
      overflow: 'truncate' as const,
    },
    emphasis: { disabled: true },
  };
}

function optionOf(props: LineChartProps) {
  const { series, periods, scheme, formatPeriod, formatValue } = props;
  const ink = INK[scheme];
  const text = { color: ink.text, fontFamily: "'Inter Variable', sans-serif", fontSize: 11 };
  const chosen = series.filter(({ kind }) => kind === 'other');
  return {
    animation: false,
    textStyle: text,
    grid: { left: 2, right: 122, top: 10, bottom: 2, outerBoundsMode: 'same' as const },
    xAxis: {
      type: 'category' as const,
      data: [...periods],
      boundaryGap: false,
      axisLine: { lineStyle: { color: ink.grey } },
      axisTick: { show: false },
      axisLabel: { ...text, hideOverlap: true, formatter: formatPeriod },
    },
    yAxis: {
      type: 'value' as const,
      splitNumber: 3,
      splitLine: { lineStyle: { color: ink.rule } },
      axisLabel: { ...text, formatter: (value: number) => formatValue(value) },
    },
    tooltip: {
      trigger: 'axis' as const,
      confine: true,
      textStyle: { fontSize: 12 },
      valueFormatter: (value: unknown) => (typeof value === 'number' ? formatValue(value) : '—'),
    },
    series: series.map((one) => lineOf(one, chosen.indexOf(one), props)),
  };
}

type Option = ReturnType<typeof optionOf>;

/** Draws the lines, then sets apart the names at their ends: those of close values would overlap. */
function draw(chart: ECharts, { series, periods }: LineChartProps, option: Option): void {
  chart.setOption(option, { notMerge: true });
  const last = (one: ComparedSeries) =>
    one.points.findLast(({ period, value }) => value !== null && periods.includes(period))?.value;
  const heights = series.map((one) => {
    const value = one.kind === 'peer' ? null : last(one);
    return value == null ? null : chart.convertToPixel({ yAxisIndex: 0 }, value);
  });
  const apart = setApart(heights, LABEL_PX, chart.getHeight() - AXIS_PX - LABEL_PX / 2);
  const offsets = heights.map((height, nth) => (apart[nth] ?? 0) - (height ?? 0));
  chart.setOption({ series: offsets.map((dy) => ({ endLabel: { offset: [0, dy] } })) });
}

/** Lines over time. A picture to screen readers: its title says what it shows, its table says it all. */
export function LineChart(props: LineChartProps) {
  const { label, onChart } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const option = useMemo(() => optionOf(props), [props]);
  const redraw = useEffectEvent((made: ECharts) => draw(made, props, option));
  useEffect(() => {
    if (!box.current) return;
    const made = init(box.current);
    chart.current = made;
    onChart?.(made);
    const observer = new ResizeObserver(() => {
      made.resize();
      redraw(made);
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.dispose();
      chart.current = null;
      onChart?.(null);
    };
  }, [onChart]);
  useEffect(() => {
    if (chart.current) draw(chart.current, props, option);
  }, [option, props]);
  return <div ref={box} role="img" aria-label={label} className={styles.chart} />;
}
