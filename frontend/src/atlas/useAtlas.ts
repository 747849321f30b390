import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { type Shapes, shapesQuery, territoryIndexQuery, valuesQuery } from '../api/queries';
import type { Choropleth, Indicator, Level } from '../api/types';
import { useIndicators } from '../api/useIndicators';
import type { View } from '../view/address';
import { fillsOf } from './classes';
import { coloursOf, type Scheme } from './palette';
import { isRanked, type Place, placesOf, type Row, rowsOf, type Values, valuesOf } from './ranking';

const NO_VALUES: Values = { byId: new Map(), noteOf: new Map(), rankOf: new Map() };

export interface Question {
  indicator: Indicator;
  period: string;
  level: Level;
}

/** Whether there is anything of it to draw. */
export function isMapped({ levels, periods }: Indicator): boolean {
  return periods.length > 0 && levels.some((level) => level !== 'country');
}

/** What the address asks, made answerable: an unknown indicator or period becomes the nearest known. */
export function questionOf(indicators: readonly Indicator[], view: View): Question | null {
  const mapped = indicators.filter(isMapped);
  const indicator = mapped.find(({ code }) => code === view.indicator) ?? mapped[0];
  if (!indicator) return null;
  const { periods, levels } = indicator;
  const asked = view.period !== undefined && periods.includes(view.period);
  const period = asked ? view.period : periods.at(-1);
  const level = levels.includes(view.level) ? view.level : levels.find((one) => one !== 'country');
  return period !== undefined && level ? { indicator, period, level } : null;
}

/** Has the periods beside this one at hand, once this one is drawn: until then they would delay it. */
export function useNeighbourPeriods(question: Question | null, drawn: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!question || !drawn) return;
    const { indicator, period, level } = question;
    const at = indicator.periods.indexOf(period);
    for (const near of [indicator.periods[at + 1], indicator.periods[at - 1]]) {
      if (near !== undefined) void client.prefetchQuery(valuesQuery(indicator.code, near, level));
    }
  }, [client, question, drawn]);
}

/** Asks for the values of a period before the address has changed to it. */
export function useEarlyAsking(question: Question | null): (period: string | undefined) => void {
  const client = useQueryClient();
  return useCallback(
    (period) => {
      if (!question || period === undefined) return;
      const { indicator, level } = question;
      void client.prefetchQuery(valuesQuery(indicator.code, period, level));
    },
    [client, question],
  );
}

function usePlaces(level: Level) {
  const municipalities = useQuery(territoryIndexQuery('municipality'));
  const listed = useQuery(territoryIndexQuery(level));
  const places = useMemo(
    () => (municipalities.data ? placesOf(municipalities.data) : []),
    [municipalities.data],
  );
  const others = useMemo(() => (listed.data ? placesOf(listed.data) : []), [listed.data]);
  return { places, listed: level === 'municipality' ? places : others, index: listed };
}

/** Until the next answer is here, or when it fails, the last one stays. */
function useLast(answer: Choropleth | undefined): Choropleth | undefined {
  const [last, setLast] = useState(answer);
  if (answer !== undefined && answer !== last) setLast(answer);
  return answer ?? last;
}

export interface Atlas {
  indicators: readonly Indicator[] | undefined;
  question: Question | null;
  /** Every municipality: what the search knows. */
  places: readonly Place[];
  shapes: Shapes | undefined;
  states: Shapes | undefined;
  answer: Choropleth | undefined;
  /** What the answer is about: it lags behind the question while the next one is on its way. */
  shown: Question | null;
  values: Values;
  rows: readonly Row[];
  colours: readonly string[];
  fills: ReadonlyMap<string, string>;
  /** Names what `fills` shows. */
  picture: string;
  busy: boolean;
  error: Error | null;
  retry: () => void;
}

/** Names what the answer to a question looks like. */
export function pictureOf(indicator: string, period: string, level: Level): string {
  return `${indicator}/${period}/${level}`;
}

/** Everything the map screen shows, from the view its address asks for. */
export function useAtlas(view: View, scheme: Scheme): Atlas {
  const list = useIndicators();
  const question = useMemo(
    () => (list.data ? questionOf(list.data, view) : null),
    [list.data, view],
  );
  const level = question?.level ?? 'municipality';
  const shapes = useQuery(shapesQuery(level));
  const states = useQuery(shapesQuery('state'));
  const { places, listed, index } = usePlaces(level);
  const asked = useQuery({
    ...valuesQuery(question?.indicator.code ?? '', question?.period ?? '', level),
    enabled: question !== null,
  });

  const answer = useLast(asked.data);
  const shown = useMemo(() => {
    const indicator = list.data?.find(({ code }) => code === answer?.indicator);
    if (!answer || !indicator) return null;
    // The answer's classes are those of its level; the catalogue's are those of the first one.
    const { classes, period, level } = answer;
    return { indicator: { ...indicator, classes }, period, level };
  }, [list.data, answer]);
  const values = useMemo(
    () => (answer && shown ? valuesOf(answer, isRanked(shown.indicator, shown.period)) : NO_VALUES),
    [answer, shown],
  );
  const colours = useMemo(() => (shown ? coloursOf(shown.indicator, scheme) : []), [shown, scheme]);
  const fills = useMemo(
    () => fillsOf(values.byId, shown?.indicator.classes ?? [], colours),
    [values, shown, colours],
  );
  const rows = useMemo(() => rowsOf(listed, values), [listed, values]);
  const broken = [list, asked, shapes, index].find(({ error }) => error);
  const { error = null, refetch } = broken ?? {};
  const busy = asked.isPending;
  // One object as long as nothing in it changed: parts of the screen wait for it.
  return useMemo(
    () => ({
      indicators: list.data,
      question,
      places,
      shapes: shapes.data,
      states: states.data,
      answer,
      shown,
      values,
      rows,
      colours,
      fills,
      picture: answer ? pictureOf(answer.indicator, answer.period, answer.level) : '',
      busy,
      error,
      retry: () => void refetch?.(),
    }),
    [
      list.data,
      question,
      places,
      shapes.data,
      states.data,
      answer,
      shown,
      values,
      rows,
      colours,
      fills,
      busy,
      error,
      refetch,
    ],
  );
}
