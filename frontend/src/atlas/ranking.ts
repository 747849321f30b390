import type { Choropleth, Indicator, TerritoryIndex } from '../api/types';
import { closeness, fold } from '../text/fold';
import type { Sort } from '../view/address';

/** A municipality as the search, the table and the map's hover know it. */
export interface Place {
  id: string;
  name: string;
  uf: string;
  hasMesh: boolean;
  folded: string;
}

export interface Row extends Place {
  value: number | null;
  /** What must be said with this one value. */
  note: string | null;
  /** Place in descending order among those with a value; equals share it, as in 1, 2, 2, 4. */
  rank: number | null;
}

export interface Values {
  byId: ReadonlyMap<string, number>;
  noteOf: ReadonlyMap<string, string>;
  rankOf: ReadonlyMap<string, number>;
}

export function placesOf(index: TerritoryIndex): Place[] {
  return index.rows.map(([id, name, uf, hasMesh]) => ({
    id,
    name,
    uf: uf ?? '',
    hasMesh,
    folded: fold(name),
  }));
}

/** Whether places may be set in order: some numbers, and some years, cannot bear it. */
export function isRanked(
  { ranked, unranked_years }: Pick<Indicator, 'ranked' | 'unranked_years'>,
  period: string,
): boolean {
  return ranked && !unranked_years.includes(period.slice(0, 4));
}

function ranksOf(byId: ReadonlyMap<string, number>): Map<string, number> {
  const sorted = [...byId].sort((a, b) => b[1] - a[1]);
  const ranks = new Map<string, number>();
  let rank = 0;
  sorted.forEach(([id, value], position) => {
    if (position === 0 || value !== sorted[position - 1]?.[1]) rank = position + 1;
    ranks.set(id, rank);
  });
  return ranks;
}

export function valuesOf(answer: Choropleth, ranked: boolean): Values {
  const byId = new Map<string, number>();
  const noteOf = new Map<string, string>();
  for (const { territory_id, value, note } of answer.items) {
    if (value !== null) byId.set(territory_id, value);
    if (note) noteOf.set(territory_id, note);
  }
  return { byId, noteOf, rankOf: ranked ? ranksOf(byId) : new Map() };
}

export function rowsOf(places: readonly Place[], values: Values): Row[] {
  return places.map((place) => ({
    ...place,
    value: values.byId.get(place.id) ?? null,
    note: values.noteOf.get(place.id) ?? null,
    rank: values.rankOf.get(place.id) ?? null,
  }));
}

function comparePlaces(a: Place, b: Place, column: 'name' | 'uf'): number {
  if (column === 'uf') return a.uf < b.uf ? -1 : a.uf > b.uf ? 1 : 0;
  return a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0;
}

function compareRows(a: Row, b: Row, column: Sort['column']): number {
  return column === 'value' ? (a.value ?? 0) - (b.value ?? 0) : comparePlaces(a, b, column);
}

/** Sorted for reading: those without value come last either way, equals by name, then UF. */
export function sortRows(rows: readonly Row[], sort: Sort): Row[] {
  const sign = sort.descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (sort.column === 'value' && (a.value === null) !== (b.value === null)) {
      return a.value === null ? 1 : -1;
    }
    return (
      sign * compareRows(a, b, sort.column) || compareRows(a, b, 'name') || compareRows(a, b, 'uf')
    );
  });
}

export function filterRows(rows: readonly Row[], text: string, uf: string | undefined): Row[] {
  const question = fold(text);
  return rows.filter(
    (row) => (uf === undefined || row.uf === uf) && closeness(row.folded, question) !== null,
  );
}

/** The places that answer a search, best first; names that repeat stay apart by their UF. */
export function searchPlaces(places: readonly Place[], text: string, most: number): Place[] {
  const question = fold(text);
  if (question === '') return [];
  const words = question.split(' ');
  const uf = words.at(-1)?.toUpperCase();
  // "bom jesus pi" asks for the one in Piauí.
  const name = words.length > 1 ? words.slice(0, -1).join(' ') : null;
  const found: { place: Place; score: number }[] = [];
  for (const place of places) {
    const whole = closeness(place.folded, question);
    const inUf = name !== null && place.uf === uf ? closeness(place.folded, name) : null;
    const score = Math.min(whole ?? 9, inUf ?? 9);
    if (score < 9) found.push({ place, score });
  }
  return found
    .sort(
      (a, b) =>
        a.score - b.score ||
        comparePlaces(a.place, b.place, 'name') ||
        comparePlaces(a.place, b.place, 'uf'),
    )
    .slice(0, most)
    .map(({ place }) => place);
}
