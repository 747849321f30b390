import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { Choropleth, TerritoryIndex } from '../api/types';
import { OriginContext } from '../origin/origin';
import { recorded } from '../test/api';
import { show } from '../test/render';
import { Pointed, PointedContext } from '../view/pointed';
import { placesOf, type Row, rowsOf, sortRows, valuesOf } from './ranking';
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
    const many = Array.from({ length: 500 }, (_, n) => ({ ...(rows[0] as Row), id: `row-${n}` }));
    setUp({ rows: many });
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
    const stops = screen.getAllByRole('row').filter((row) => row.tabIndex === 0);
    expect(stops).toHaveLength(1);
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
    const many = Array.from({ length: 5570 }, (_, n) => ({
      ...(rows[0] as Row),
      id: String(1000000 + n),
    }));
    setUp({ rows: many });
    expect(screen.getAllByRole('row').length).toBeLessThan(60);
    expect(screen.getByRole('grid')).toHaveAttribute('aria-rowcount', '5571');
  });
});
