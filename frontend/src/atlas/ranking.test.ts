import { describe, expect, it } from 'vitest';
import type { Choropleth, TerritoryIndex } from '../api/types';
import { recorded } from '../test/api';
import {
  filterRows,
  isRanked,
  placesOf,
  rowsOf,
  searchPlaces,
  sortRows,
  valuesOf,
} from './ranking';

const places = placesOf(recorded.index as TerritoryIndex);
const answer = recorded.values2019 as Choropleth;
const rows = rowsOf(places, valuesOf(answer, true));
const named = (list: readonly { name: string; uf: string }[]) =>
  list.map(({ name, uf }) => `${name} ${uf}`);

describe('ranks', () => {
  it('are shared by equals, and the next one skips', () => {
    const items = [5, 9, 9, 1].map((value, index) => ({ territory_id: String(index), value }));
    const { rankOf } = valuesOf({ ...answer, items }, true);
    expect(['0', '1', '2', '3'].map((id) => rankOf.get(id))).toEqual([3, 1, 1, 4]);
  });

  it('are not given where the number, or the year, cannot bear one', () => {
    const deaths = { ranked: true, unranked_years: ['2020'] };
    expect(isRanked(deaths, '2019-12')).toBe(true);
    expect(isRanked(deaths, '2020-01')).toBe(false);
    expect(isRanked({ ranked: false, unranked_years: [] }, '2019')).toBe(false);
    expect(valuesOf(answer, isRanked(deaths, '2020')).rankOf.size).toBe(0);
  });

  it('are not given to places without value', () => {
    const empty = rows.filter(({ value }) => value === null);
    expect(empty.length).toBeGreaterThan(0);
    expect(empty.every(({ rank }) => rank === null)).toBe(true);
  });
});

describe('sorting', () => {
  it.each([true, false])('keeps those without value last (descending: %s)', (descending) => {
    const sorted = sortRows(rows, { column: 'value', descending });
    const firstEmpty = sorted.findIndex(({ value }) => value === null);
    expect(firstEmpty).toBeGreaterThan(0);
    expect(sorted.slice(firstEmpty).every(({ value }) => value === null)).toBe(true);
  });

  it('sets equal names side by side, by UF', () => {
    const sorted = sortRows(rows, { column: 'name', descending: false });
    const bomJesus = named(sorted).filter((name) => name.startsWith('Bom Jesus'));
    expect(bomJesus).toEqual(['PB', 'PI', 'RN', 'RS', 'SC'].map((uf) => `Bom Jesus ${uf}`));
  });
});

describe('searching', () => {
  it('forgives accents and capitals', () => {
    expect(named(searchPlaces(places, 'SAO PAULO', 5))).toEqual(['São Paulo SP']);
    expect(named(searchPlaces(places, 'nazaria', 5))).toEqual(['Nazária PI']);
  });

  it('tells equal names apart by a UF typed after them', () => {
    expect(named(searchPlaces(places, 'bom jesus', 9))).toHaveLength(5);
    expect(named(searchPlaces(places, 'bom jesus rn', 9))).toEqual(['Bom Jesus RN']);
  });

  it('answers an empty question with nothing, not with everything', () => {
    expect(searchPlaces(places, '  ', 9)).toEqual([]);
  });

  it('filters rows by name and by state together', () => {
    expect(named(filterRows(rows, 'bom', 'PB'))).toEqual(['Bom Jesus PB']);
    expect(filterRows(rows, '', undefined)).toHaveLength(rows.length);
  });
});
