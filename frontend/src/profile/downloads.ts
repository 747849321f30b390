import type { ComparedSeries, Indicator, ProfileIndicator, Territory } from '../api/types';
import { aboutOf, footerOf, plateColours, type Spoken } from '../atlas/exports';
import type { Scheme } from '../atlas/palette';
import { csvBlob, type Sheet } from '../download/csv';
import { compose, pngOf } from '../download/png';
import { fileName, save } from '../download/save';
import type { ECharts } from './echarts';

export interface ChartFile {
  territory: Territory;
  number: ProfileIndicator;
  about: Indicator;
  dataVersion: number;
  series: readonly ComparedSeries[];
  title: string;
  axis: string;
}

function sourceOf(file: ChartFile) {
  return {
    name: file.number.source,
    dataset: file.about.dataset,
    license: file.about.license,
    fetched_at: file.number.freshness,
    note: file.number.note ?? null,
  };
}

export function seriesSheet(file: ChartFile, spoken: Spoken): Sheet {
  const { say } = spoken;
  const periods = file.series.flatMap(({ points }) => points.map(({ period }) => period)).sort();
  const span = [...new Set([periods[0], periods.at(-1)])].filter(Boolean).join(' / ');
  return {
    about: aboutOf(
      file.about,
      { period: span, data_version: file.dataVersion, source: sourceOf(file) },
      spoken,
    ),
    header: [
      say('csv.territoryId'),
      say('csv.name'),
      say('csv.period'),
      `${say('csv.value')} (${file.about.unit})`,
    ],
    rows: file.series.flatMap(({ territory_id, name, points }) =>
      points.map(({ period, value }) => [territory_id, name, period, value]),
    ),
  };
}

function nameOf({ territory, number }: ChartFile, extension: string): string {
  return fileName([number.code, territory.territory_id], extension);
}

export function saveSeries(file: ChartFile, spoken: Spoken): void {
  save(nameOf(file, 'csv'), csvBlob(seriesSheet(file, spoken)));
}

const PRINT_RATIO = 2;

export async function saveChart(
  chart: ECharts,
  file: ChartFile,
  scheme: Scheme,
  spoken: Spoken,
): Promise<void> {
  const colours = plateColours(scheme);
  const picture = chart.renderToCanvas({
    pixelRatio: PRINT_RATIO,
    backgroundColor: colours.paper,
  });
  const plate = compose({
    title: `${file.territory.name}. ${file.title}`,
    subtitle: file.axis,
    picture,
    width: picture.width / PRINT_RATIO,
    legend: [],
    footer: footerOf(file.about, { source: sourceOf(file) }, spoken),
    colours,
  });
  save(nameOf(file, 'png'), await pngOf(plate));
}
