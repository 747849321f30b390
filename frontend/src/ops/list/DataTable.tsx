import type { ReactNode } from 'react';
import { useLanguage } from '../../i18n/language';
import type { MessageKey } from '../../i18n/pt-BR';
import styles from './DataTable.module.css';
import type { ListSort, Sortable } from './sorting';

export interface DataColumn<T> {
  /** Its name in the address, when the list can be sorted by it. */
  id: string;
  title: string;
  cell: (item: T) => ReactNode;
  /** What sorts and exports it; without it the column does neither. */
  value?: (item: T) => Sortable;
  numeric?: boolean;
  /** Left out where there is little room: the row's detail has it. */
  wide?: boolean;
}

interface DataTableProps<T> {
  caption: string;
  items: readonly T[];
  columns: readonly DataColumn<T>[];
  keyOf: (item: T) => string;
  sort?: ListSort;
  /** Missing where the order is fixed. */
  onSort?: (sort: ListSort) => void;
  /** The row whose detail is open. */
  open?: string | undefined;
  /** What is shown when there is nothing. */
  empty: ReactNode;
}

function Head<T>(props: {
  column: DataColumn<T>;
  sort: ListSort | undefined;
  onSort: ((sort: ListSort) => void) | undefined;
}) {
  const { column, sort, onSort } = props;
  const { say } = useLanguage();
  const active = sort?.column === column.id;
  const order: MessageKey = sort?.descending ? 'table.sortDescending' : 'table.sortAscending';
  const about = { 'data-numeric': column.numeric, 'data-wide': column.wide } as const;
  if (!onSort || !column.value) {
    return (
      <th scope="col" {...about}>
        {column.title}
      </th>
    );
  }
  return (
    <th
      scope="col"
      {...about}
      aria-sort={active ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        onClick={() =>
          onSort({ column: column.id, descending: active ? !sort.descending : !!column.numeric })
        }
      >
        {column.title}
        <span aria-hidden="true" className={styles.arrow}>
          {active ? (sort.descending ? '▾' : '▴') : ''}
        </span>
        {active && <span className="visually-hidden">, {say(order)}</span>}
      </button>
    </th>
  );
}

/** Rows and columns of a list. Where there is little room it keeps the columns that matter. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { caption, items, columns, keyOf, sort, onSort, open, empty } = props;
  if (items.length === 0) return <div className={styles.empty}>{empty}</div>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable
    <section className={styles.scroll} tabIndex={0} aria-label={caption}>
      <table>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={keyOf(item)} data-open={keyOf(item) === open || undefined}>
              {columns.map(({ id, cell, numeric, wide }) => (
                <td key={id} data-numeric={numeric} data-wide={wide}>
                  {cell(item)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
