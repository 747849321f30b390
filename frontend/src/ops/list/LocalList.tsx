import { type ReactNode, useMemo } from 'react';
import { useLanguage } from '../../i18n/language';
import { fold } from '../../text/fold';
import { formatNumber } from '../../text/format';
import bar from './Bar.module.css';
import { type DataColumn, DataTable } from './DataTable';
import { ExportButton } from './ExportButton';
import { FilterText } from './FilterText';
import { Paging } from './Paging';
import { type ListSort, listSortOf, listSortText, sorted } from './sorting';
import { useListSearch } from './useListSearch';

export const PAGE_ROWS = 50;

interface LocalListProps<T> {
  title: string;
  /** Of the file it is exported to. */
  name: string;
  items: readonly T[];
  columns: readonly DataColumn<T>[];
  keyOf: (item: T) => string;
  /** What the filter reads. */
  textOf: (item: T) => string;
  usual: ListSort;
  /** More filters, and what they let through is already in `items`. */
  filters?: ReactNode;
  empty: ReactNode;
  /** Tells this list's filter, order and page from another's in the same address. */
  prefix?: string;
}

/** A list the browser has whole: filtered by words, sorted by any column, paged and exported. */
export function LocalList<T>(props: LocalListProps<T>) {
  const { title, name, items, columns, keyOf, textOf, usual, filters, empty, prefix = '' } = props;
  const { say, language } = useLanguage();
  const { search, put } = useListSearch();
  const [text, order, page] = [`${prefix}filter`, `${prefix}sort`, `${prefix}page`];
  const sort = listSortOf(search[order], usual);
  const worth = columns.find(({ id, value }) => id === sort.column && value)?.value;
  const asked = search[text];
  const fitting = useMemo(() => {
    const words = fold(asked ?? '');
    const found = items.filter((item) => fold(textOf(item)).includes(words));
    return worth ? sorted(found, worth, sort.descending, keyOf) : found;
  }, [items, asked, textOf, worth, sort.descending, keyOf]);
  const last = Math.max(1, Math.ceil(fitting.length / PAGE_ROWS));
  const here = Math.min(Math.max(1, Math.trunc(Number(search[page])) || 1), last);
  const shown = fitting.slice((here - 1) * PAGE_ROWS, here * PAGE_ROWS);
  const go = (to: number) =>
    to < 1 || to > last ? undefined : () => put({ [page]: to === 1 ? undefined : String(to) });
  const number = (value: number) => formatNumber(value, 0, language);
  const first = (here - 1) * PAGE_ROWS;
  return (
    <>
      <div className={bar.bar}>
        <FilterText
          label={
            <>
              {say('ops.filter')}
              <span className="visually-hidden">: {title}</span>
            </>
          }
          value={asked}
          onChange={(value) => put({ [text]: value, [page]: undefined })}
        />
        {filters}
        <ExportButton title={title} name={name} columns={columns} rowsOf={() => fitting} />
      </div>
      <DataTable
        caption={title}
        items={shown}
        columns={columns}
        keyOf={keyOf}
        sort={sort}
        onSort={(next) => put({ [order]: listSortText(next), [page]: undefined })}
        open={search.open}
        empty={items.length > 0 ? <p>{say('list.noneFits')}</p> : empty}
      />
      {fitting.length > 0 && (
        <Paging
          text={say('list.range', {
            from: number(first + 1),
            to: number(first + shown.length),
            total: number(fitting.length),
          })}
          onPrevious={go(here - 1)}
          onNext={go(here + 1)}
        />
      )}
    </>
  );
}
