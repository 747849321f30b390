import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { Choropleth, TerritoryIndex } from '../api/types';
import { OriginContext } from '../origin/origin';
import { recorded } from '../test/api';
import { show } from '../test/render';
import { Pointed, PointedContext } from '../view/pointed';
import { placesOf, type Row, rowsOf, sortRows, valuesOf } from './ranking';
import { ROW_PX } from './rowWindow';
import { TerritoryTable } from './TerritoryTable';

const sort = { column: 'value', descending: true } as const;
const rows = sortRows(
  rowsOf(
    placesOf(recorded.index as TerritoryIndex),
    valuesOf(recorded.values2019 as Choropleth, true),
  ),
  sort,
);

function setUp(props: { rows?: Row[]; selected?: string } = {}) {
  const pointed = new Pointed();
  const calls = { open: vi.fn(), sort: vi.fn(), origin: vi.fn() };
  show(
    <PointedContext value={pointed}>
      <OriginContext value={calls.origin}>
        <TerritoryTable
          rows={props.rows ?? rows}
          caption="Óbitos, 2019"
          unit="óbitos"
          decimals={0}
          nameLabel="Município"
          indicator="deaths_total"
          period="2019"
          sort={sort}
          selected={props.selected}
          onSort={calls.sort}
          onOpen={calls.open}
        />
      </OriginContext>
    </PointedContext>,
  );
  return { pointed, calls };
}

const rowOf = (name: RegExp) =>
  screen.getByText(name, { selector: 'th[scope=row]' }).closest('tr') as HTMLElement;

const manyRows = (count: number): Row[] =>
  Array.from({ length: count }, (_, n) => ({ ...(rows[0] as Row), id: `row-${n}` }));

const tabStops = () => screen.getAllByRole('row').filter((row) => row.tabIndex === 0);

describe('the table twin', () => {
  it('writes values as Brazilians do, with the unit once, in the head', () => {
    setUp();
    expect(screen.getByRole('columnheader', { name: /óbitos/ })).toHaveAttribute(
      'aria-sort',
      'descending',
    );
    const first = within(rowOf(/São Paulo/));
    expect(first.getByText(/^\d{2}\.\d{3}$/)).toBeInTheDocument();
  });

  it('says "sem dado" where there is no value and "sem malha" where there is no shape', () => {
    setUp();
    expect(rowOf(/Nazária/)).toHaveTextContent(/sem malha.*sem dado/);
  });

  it('says what must be said with one value, to eye and ear', () => {
    const [first] = rows;
    setUp({ rows: [{ ...(first as Row), note: 'Só 18% dos meses.' }] });
    expect(screen.getByText(/nota: Só 18% dos meses/)).toBeInTheDocument();
  });

  it('walks rows with the arrows, pointing at each on the map, and opens with Enter', async () => {
    const { pointed, calls } = setUp();
    const user = userEvent.setup();
    act(() => rowOf(/São Paulo/).focus());
    await user.keyboard('{ArrowDown}{ArrowDown}');
    expect(document.activeElement).toHaveAttribute('data-id', rows[2]?.id);
    expect(pointed.current).toBe(rows[2]?.id);
    await user.keyboard('{Enter}');
    expect(calls.open).toHaveBeenCalledWith(rows[2]?.id);
  });

  it('takes the focus along when it jumps to a row that was not there', async () => {
    setUp({ rows: manyRows(500) });
    const grid = screen.getByRole('grid').parentElement as HTMLElement;
    act(() => document.querySelector<HTMLElement>('[data-id=row-0]')?.focus());
    expect(document.querySelector('[data-id=row-499]')).toBeNull();
    await userEvent.keyboard('{End}');
    // jsdom moves no scroll bar by itself.
    act(() => {
      grid.dispatchEvent(new Event('scroll'));
    });
    expect(document.activeElement).toHaveAttribute('data-id', 'row-499');
  });

  it('has one tab stop among its rows', () => {
    setUp();
    expect(tabStops()).toHaveLength(1);
  });

  it('keeps its tab stop, and the focus there, when it is scrolled far away', () => {
    setUp({ rows: manyRows(500) });
    const grid = screen.getByRole('grid').parentElement as HTMLElement;
    act(() => document.querySelector<HTMLElement>('[data-id=row-1]')?.focus());
    for (const top of [400 * ROW_PX, 200 * ROW_PX, 0]) {
      act(() => {
        grid.scrollTop = top;
        grid.dispatchEvent(new Event('scroll'));
      });
      expect(document.querySelector(`[data-id=row-${top / ROW_PX + 1}]`)).not.toBeNull();
      expect(tabStops()).toEqual([document.activeElement]);
      expect(document.activeElement).toHaveAttribute('data-id', 'row-1');
    }
  });

  it('goes on from where the walk over the map stood, not from where the pointer rests', () => {
    vi.useFakeTimers();
    const { pointed } = setUp({ rows: manyRows(500) });
    act(() => pointed.point('row-300', 'map'));
    act(() => void vi.runAllTimers());
    expect(tabStops()).toEqual([document.querySelector('[data-id=row-0]')]);
    act(() => pointed.point('row-400', 'walk'));
    act(() => void vi.runAllTimers());
    expect(tabStops()).toEqual([document.querySelector('[data-id=row-400]')]);
    vi.useRealTimers();
  });

  it('marks the row the map points at', () => {
    const { pointed } = setUp();
    act(() => pointed.point('3121605', 'map'));
    expect(rowOf(/Diamantina/)).toHaveAttribute('data-pointed');
    act(() => pointed.point(null, 'map'));
    expect(rowOf(/Diamantina/)).not.toHaveAttribute('data-pointed');
  });

  it('opens the origin of a number without opening the profile', async () => {
    const { calls } = setUp();
    await userEvent.click(screen.getByRole('button', { name: 'De onde veio: Diamantina, MG' }));
    expect(calls.origin).toHaveBeenCalledWith({
      uri: 'indicator/3121605/deaths_total/2019',
      what: 'Diamantina, MG',
    });
    expect(calls.open).not.toHaveBeenCalled();
  });

  it('turns the order round when its head is pressed', async () => {
    const { calls } = setUp();
    await userEvent.click(screen.getByRole('button', { name: /óbitos/ }));
    expect(calls.sort).toHaveBeenCalledWith({ column: 'value', descending: false });
    await userEvent.click(screen.getByRole('button', { name: 'Município' }));
    expect(calls.sort).toHaveBeenLastCalledWith({ column: 'name', descending: false });
  });

  it('makes few rows of thousands, yet tells a screen reader the true count', () => {
    setUp({ rows: manyRows(5570) });
    expect(screen.getAllByRole('row').length).toBeLessThan(60);
    expect(screen.getByRole('grid')).toHaveAttribute('aria-rowcount', '5571');
  });
});
