import {
  type KeyboardEvent,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { useLanguage } from '../i18n/language';
import type { MessageKey } from '../i18n/pt-BR';
import type { Sort, SortColumn } from '../view/address';
import { usePointed } from '../view/pointed';
import type { Row } from './ranking';
import { ROW_PX, rowAfterKey, rowsDrawn, rowWindow, scrollFor, scrollToMiddle } from './rowWindow';
import { TerritoryRow } from './TerritoryRow';
import styles from './TerritoryTable.module.css';

const HEAD_PX = 36;
const FALLBACK_HEIGHT_PX = 480;
/** The pointer must rest this long on the map before the table moves to follow it. */
const REST_MS = 160;

interface TerritoryTableProps {
  rows: readonly Row[];
  caption: string;
  unit: string;
  decimals: number;
  nameLabel: string;
  indicator: string;
  period: string;
  sort: Sort;
  selected: string | undefined;
  onSort: (sort: Sort) => void;
  onOpen: (id: string) => void;
}

function SortHead(props: {
  column: SortColumn;
  label: string;
  sort: Sort;
  onSort: (sort: Sort) => void;
  numeric?: boolean;
}) {
  const { column, label, sort, onSort, numeric = false } = props;
  const { say } = useLanguage();
  const active = sort.column === column;
  const order: MessageKey = sort.descending ? 'table.sortDescending' : 'table.sortAscending';
  // A first click on a number shows the largest first, on a name the first letter.
  const next = active ? !sort.descending : numeric;
  return (
    <th
      scope="col"
      aria-sort={active ? (sort.descending ? 'descending' : 'ascending') : 'none'}
      className={numeric ? styles.number : undefined}
    >
      <button type="button" onClick={() => onSort({ column, descending: next })}>
        {label}
        <span aria-hidden="true" className={styles.arrow}>
          {active ? (sort.descending ? '▾' : '▴') : ''}
        </span>
        {active && <span className="visually-hidden">, {say(order)}</span>}
      </button>
    </th>
  );
}

/** Keeps the scroll bar true to rows that are not there. */
function Gap({ rows }: { rows: number }) {
  if (rows <= 0) return null;
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: without tabIndex this row takes no focus
  return <tr aria-hidden="true" style={{ height: rows * ROW_PX }} />;
}

/** Scroll position and size of the list, and the rows they call for. */
function useScrolled(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [scroll, setScroll] = useState({ top: 0, height: FALLBACK_HEIGHT_PX });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const read = () =>
      setScroll({
        top: element.scrollTop,
        height: element.clientHeight || FALLBACK_HEIGHT_PX,
      });
    read();
    const observer = new ResizeObserver(read);
    observer.observe(element);
    element.addEventListener('scroll', read, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', read);
    };
  }, []);
  const reveal = (index: number) => {
    const element = box.current;
    if (!element) return;
    const height = element.clientHeight || FALLBACK_HEIGHT_PX;
    const top = scrollFor(index, element.scrollTop, height, HEAD_PX);
    if (top !== null) element.scrollTop = top;
  };
  const centre = (index: number) => {
    const element = box.current;
    if (element) element.scrollTop = scrollToMiddle(index, element.clientHeight, HEAD_PX);
  };
  return {
    box,
    reveal,
    centre,
    page: Math.floor(scroll.height / ROW_PX) - 1,
    ...rowWindow(scroll.top, scroll.height, count),
  };
}

/** The map's accessible twin: the same places and values, to sort, filter and walk by keyboard. */
export function TerritoryTable(props: TerritoryTableProps) {
  const { rows, caption, unit, selected, sort, onSort } = props;
  const { decimals, indicator, period, onOpen } = props;
  const about = { decimals, indicator, period, onOpen };
  const { say } = useLanguage();
  const { id: pointedId, pointed } = usePointed();
  const { box, reveal, centre, first, end, page } = useScrolled(rows.length);
  const [active, setActive] = useState(0);
  const awaitsFocus = useRef(false);
  const activeRow = useRef<HTMLTableRowElement>(null);
  const current = Math.min(active, Math.max(0, rows.length - 1));
  const drawn = rowsDrawn({ first, end }, current, rows.length);

  const showRow = useEffectEvent((index: number) => {
    // A row already walked to stays where it is; one chosen on the map comes to the middle.
    if (activeRow.current?.dataset.id === rows[index]?.id) reveal(index);
    else centre(index);
  });
  useEffect(() => {
    const index = rows.findIndex((row) => row.id === selected);
    if (index < 0) return;
    showRow(index);
    setActive(index);
  }, [selected, rows]);

  useEffect(() => {
    if (pointedId === null || pointed.source === 'table') return;
    const timer = setTimeout(() => {
      const index = rows.findIndex((row) => row.id === pointedId);
      if (index < 0) return;
      showRow(index);
      // Who walked there by keyboard goes on from there in the table.
      if (pointed.source === 'walk') setActive(index);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [pointedId, pointed, rows]);

  // The row walked to may not exist until the list has scrolled there.
  useEffect(() => {
    if (!awaitsFocus.current || !activeRow.current) return;
    awaitsFocus.current = false;
    activeRow.current.focus();
  });

  const walk = (event: KeyboardEvent) => {
    if (!(event.target instanceof HTMLTableRowElement)) return;
    const row = rows[current];
    if (event.key === 'Enter' && row) {
      onOpen(row.id);
      return;
    }
    const next = rowAfterKey(event.key, current, rows.length, page);
    if (next === null) return;
    event.preventDefault();
    setActive(next);
    awaitsFocus.current = true;
    reveal(next);
  };

  return (
    <div ref={box} className={styles.box}>
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: rows take focus and keys
        role="grid"
        aria-rowcount={rows.length + 1}
        className={styles.table}
        onKeyDown={walk}
      >
        <caption className="visually-hidden">
          {caption}. {say('table.help')}
        </caption>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className={styles.rank}>
              {say('table.rank')}
            </th>
            <SortHead column="name" label={props.nameLabel} sort={sort} onSort={onSort} />
            <SortHead column="uf" label={say('table.uf')} sort={sort} onSort={onSort} />
            <SortHead
              column="value"
              label={unit === '' ? say('table.value') : unit}
              sort={sort}
              onSort={onSort}
              numeric
            />
            <th scope="col" className={styles.origin}>
              <span className="visually-hidden">{say('table.origin')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {drawn.flatMap((index, nth) => {
            const row = rows[index];
            const above = index - (drawn[nth - 1] ?? -1) - 1;
            return row
              ? [
                  above > 0 && <Gap key={`above ${row.id}`} rows={above} />,
                  <TerritoryRow
                    key={row.id}
                    {...about}
                    row={row}
                    index={index}
                    tabStop={index === current ? activeRow : null}
                    pointed={row.id === pointedId}
                    selected={row.id === selected}
                    onFocus={setActive}
                  />,
                ]
              : [];
          })}
          <Gap rows={rows.length - 1 - (drawn.at(-1) ?? -1)} />
        </tbody>
      </table>
      {rows.length === 0 && <p className={styles.empty}>{say('table.empty')}</p>}
    </div>
  );
}
