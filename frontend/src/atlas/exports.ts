import type { Choropleth, Indicator } from '../api/types';
import type { Sheet } from '../download/csv';
import type { LegendEntry, Plate } from '../download/png';
import type { Say } from '../i18n/language';
import { formatDate, formatMoment, formatPeriod, type Language } from '../text/format';
import { distinctNotes } from '../text/notes';
import { classNames } from './Legend';
import { GROUND, type Scheme } from './palette';
import type { Row } from './ranking';

export interface Spoken {
  say: Say;
  language: Language;
}

/** What every file taken from here says about itself, in the order it is read. */
export function aboutOf(
  indicator: Indicator,
  answer: Pick<Choropleth, 'period' | 'data_version' | 'source'>,
  { say, language }: Spoken,
): [string, string][] {
  const { source } = answer;
  const notes = distinctNotes([indicator.coverage_note, source.note, indicator.note]);
  return [
    [say('csv.title'), indicator.name],
    [say('csv.indicator'), indicator.code],
    [say('csv.period'), answer.period],
    [say('csv.unit'), indicator.unit],
    [say('csv.source'), source.name],
    [say('csv.dataset'), source.dataset],
    [say('csv.license'), source.license],
    [say('csv.fetched'), source.fetched_at ?? say('fresh.never')],
    [say('csv.version'), String(answer.data_version)],
    ...notes.map((note): [string, string] => [say('csv.note'), note]),
    [say('csv.url'), location.href],
    [say('csv.made'), formatMoment(new Date().toISOString(), language)],
    [say('csv.format'), say('csv.formatText')],
  ];
}

/** The table as shown: same rows, same order. */
export function mapSheet(
  rows: readonly Row[],
  indicator: Indicator,
  answer: Choropleth,
  spoken: Spoken,
): Sheet {
  const { say } = spoken;
  return {
    about: aboutOf(indicator, answer, spoken),
    header: [
      say('csv.territoryId'),
      say('csv.name'),
      say('csv.uf'),
      say('csv.period'),
      `${say('csv.value')} (${indicator.unit})`,
      say('csv.rank'),
      say('csv.note'),
    ],
    rows: rows.map(({ id, name, uf, value, rank, note }) => [
      id,
      name,
      uf,
      answer.period,
      value,
      rank,
      note,
    ]),
  };
}

/** The lines under every picture. */
export function footerOf(
  indicator: Indicator,
  answer: Pick<Choropleth, 'source'>,
  { say, language }: Spoken,
): string[] {
  const { source } = answer;
  const notes = distinctNotes([indicator.coverage_note, source.note, indicator.note]);
  return [
    `${say('fresh.source', { source: source.name })} (${source.dataset}) · ${say('fresh.license', { license: source.license })}`,
    ...notes,
    say('png.made', { date: formatDate(new Date(), language) }),
    location.href,
  ];
}

/** Paper and ink of a picture: those of the screen it was taken from. */
export function plateColours(scheme: Scheme): Plate['colours'] {
  const { hatch, land } = GROUND[scheme];
  return scheme === 'light'
    ? { paper: '#faf8f3', ink: '#1d1b16', soft: '#5a554a', hatch, land }
    : { paper: '#171b1d', ink: '#ece8de', soft: '#aeb1ab', hatch, land };
}

export function mapPlate(
  picture: HTMLCanvasElement,
  width: number,
  shown: { indicator: Indicator; answer: Choropleth; colours: readonly string[]; scheme: Scheme },
  spoken: Spoken,
): Plate {
  const { indicator, answer, colours, scheme } = shown;
  const { say, language } = spoken;
  const legend: LegendEntry[] = classNames(indicator, language, say).map((name, index) => ({
    name,
    colour: colours[index] ?? null,
  }));
  return {
    title: `${indicator.name}, ${formatPeriod(answer.period, language)}`,
    subtitle: indicator.unit,
    picture,
    width,
    legend: [...legend, { name: say('legend.noData'), colour: null }],
    footer: footerOf(indicator, answer, spoken),
    colours: plateColours(scheme),
  };
}
