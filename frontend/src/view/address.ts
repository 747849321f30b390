import type { Level } from '../api/types';

export interface Camera {
  lat: number;
  lng: number;
  zoom: number;
}

export type SortColumn = 'name' | 'uf' | 'value';

export interface Sort {
  column: SortColumn;
  descending: boolean;
}

/** Everything that makes the map screen look as it does, and that its address carries. */
export interface View {
  indicator?: string;
  period?: string;
  level: Level;
  selected?: string;
  compared: string[];
  camera?: Camera;
  sort: Sort;
  uf?: string;
  filter?: string;
}

export type Search = Record<string, string | undefined>;

export const MOST_COMPARED = 4;
const DEFAULT_SORT: Sort = { column: 'value', descending: true };
const COLUMNS: readonly string[] = ['name', 'uf', 'value'] satisfies SortColumn[];
const TERRITORY = /^(BR|\d{2}|\d{7})$/;

function cameraOf(text: string | undefined): Camera | undefined {
  const parts = (text ?? '').split(',').map(Number);
  const [lat, lng, zoom] = parts;
  if (parts.length !== 3 || lat === undefined || lng === undefined || zoom === undefined) {
    return undefined;
  }
  const sane = Math.abs(lat) <= 85 && Math.abs(lng) <= 180 && zoom >= 0 && zoom <= 24;
  return sane ? { lat, lng, zoom } : undefined;
}

function sortOf(text: string | undefined): Sort {
  if (text === undefined) return DEFAULT_SORT;
  const descending = text.startsWith('-');
  const column = descending ? text.slice(1) : text;
  return COLUMNS.includes(column) ? { column: column as SortColumn, descending } : DEFAULT_SORT;
}

/** The ids of an address list: known shape, no repeats, no more than fit one chart. */
export function territoriesOf(text: string | undefined): string[] {
  const ids = (text ?? '').split(',').filter((id) => TERRITORY.test(id));
  return [...new Set(ids)].slice(0, MOST_COMPARED);
}

/** Reads an address. What cannot be read is left out, never an error: old links keep opening. */
export function viewOf(search: Search): View {
  const view: View = {
    level: search.level === 'state' ? 'state' : 'municipality',
    compared: territoriesOf(search.with),
    sort: sortOf(search.sort),
  };
  const camera = cameraOf(search.map);
  if (search.indicator) view.indicator = search.indicator;
  if (search.period) view.period = search.period;
  if (search.selected && TERRITORY.test(search.selected)) view.selected = search.selected;
  if (camera) view.camera = camera;
  if (search.uf && /^[A-Z]{2}$/.test(search.uf)) view.uf = search.uf;
  if (search.filter) view.filter = search.filter;
  return view;
}

function put(search: Search, name: string, value: string | undefined): void {
  if (value) search[name] = value;
}

/** Writes an address; what is as it starts out is left out, so that addresses stay short. */
export function searchOf(view: View): Search {
  const search: Search = {};
  put(search, 'indicator', view.indicator);
  put(search, 'period', view.period);
  put(search, 'level', view.level === 'municipality' ? undefined : view.level);
  put(search, 'selected', view.selected);
  put(search, 'with', view.compared.join(','));
  if (view.camera) {
    const { lat, lng, zoom } = view.camera;
    search.map = `${lat.toFixed(3)},${lng.toFixed(3)},${zoom.toFixed(2)}`;
  }
  const sort = `${view.sort.descending ? '-' : ''}${view.sort.column}`;
  put(search, 'sort', sort === '-value' ? undefined : sort);
  put(search, 'uf', view.uf);
  put(search, 'filter', view.filter);
  return search;
}

/** Plain pairs both ways: `period=2019` stays text and readable, where JSON would quote it. */
export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '',
  );
  // Commas separate numbers and ids here; escaped they would only make the address unreadable.
  const text = new URLSearchParams(pairs).toString().replaceAll('%2C', ',');
  return text === '' ? '' : `?${text}`;
}
