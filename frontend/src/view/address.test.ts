import { describe, expect, it } from 'vitest';
import {
  MOST_COMPARED,
  parseSearch,
  type Search,
  searchOf,
  stringifySearch,
  type View,
  viewOf,
} from './address';

const FULL: View = {
  indicator: 'deaths_total',
  period: '2019-07',
  level: 'state',
  selected: '3121605',
  compared: ['3106200', '31'],
  camera: { lat: -15.5, lng: -47.25, zoom: 6.5 },
  sort: { column: 'name', descending: false },
  uf: 'MG',
  filter: 'são joão & cia',
};

const again = (view: View): View => viewOf(parseSearch(stringifySearch(searchOf(view))));

describe('the address', () => {
  it('reproduces every part of the view', () => {
    expect(again(FULL)).toEqual(FULL);
  });

  it('is empty for the view one starts with', () => {
    expect(stringifySearch(searchOf(viewOf({})))).toBe('');
  });

  it('stays readable: bare years, bare commas', () => {
    const text = stringifySearch({ period: '2019', map: '-15.500,-47.250,6.50' });
    expect(text).toBe('?period=2019&map=-15.500,-47.250,6.50');
  });

  it.each<[string, Search]>([
    ['a camera outside the world', { map: '999,0,3' }],
    ['a camera of words', { map: 'a,b,c' }],
    ['a camera short of a number', { map: '1,2' }],
    ['a territory that is no code', { selected: '../../etc' }],
    ['an unknown column', { sort: '-shoe' }],
    ['a level of another time', { level: 'galaxy' }],
    ['a state that is none', { uf: 'minas' }],
  ])('leaves out %s instead of failing', (_, search) => {
    expect(viewOf(search)).toEqual(viewOf({}));
  });

  it('compares each territory once, and no more than fit one chart', () => {
    const ids = ['3106200', '3106200', 'x', '3550308', '3304557', '2927408', '5300108'];
    const { compared } = viewOf({ with: ids.join(',') });
    expect(compared).toEqual(['3106200', '3550308', '3304557', '2927408']);
    expect(compared).toHaveLength(MOST_COMPARED);
  });
});
