import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Query } from '../../api/client';
import { everyPage, pageQuery, type Served } from '../../api/watchQueries';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import bar from './Bar.module.css';
import { type DataColumn, DataTable } from './DataTable';
import { ExportButton } from './ExportButton';
import { PAGE_ROWS } from './LocalList';
import { Paging } from './Paging';
import { useListSearch } from './useListSearch';

interface ServedListProps<T> {
  title: string;
  /** Of the file it is exported to. */
  name: string;
  served: Served;
  /** The filters, as the API is asked them. */
  query: Query;
  columns: readonly DataColumn<T>[];
  keyOf: (item: T) => string;
  filters: ReactNode;
  /** What is shown when there is nothing at all. */
  empty: ReactNode;
}

/** A list the API filters and pages: its order is the API's. */
export function ServedList<T>(props: ServedListProps<T>) {
  const { title, name, served, query, columns, keyOf, filters, empty } = props;
  const { say, language } = useLanguage();
  const { search, put } = useListSearch();
  const here = Math.max(1, Math.trunc(Number(search.page)) || 1);
  const { data, error, refetch } = useQuery(
    pageQuery<T>(served, { ...query, page: here, page_size: PAGE_ROWS }),
  );
  const number = (value: number) => formatNumber(value, 0, language);
  const first = (here - 1) * PAGE_ROWS;
  const go = (to: number, exists: boolean) =>
    exists ? () => put({ page: to === 1 ? undefined : String(to) }) : undefined;
  const filtered = Object.values(query).some((value) => value !== undefined);
  return (
    <>
      <div className={bar.bar}>
        {filters}
        <ExportButton
          title={title}
          name={name}
          columns={columns}
          rowsOf={() => everyPage<T>(served, query)}
        />
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <DataTable
          caption={title}
          items={data.items}
          columns={columns}
          keyOf={keyOf}
          open={search.open}
          empty={filtered || here > 1 ? <p>{say('list.noneFits')}</p> : empty}
        />
      )}
      {data && (data.total > 0 || here > 1) && (
        <Paging
          text={say('list.range', {
            from: number(Math.min(first + 1, data.total)),
            to: number(Math.min(first + data.items.length, data.total)),
            total: number(data.total),
          })}
          onPrevious={go(here - 1, here > 1)}
          onNext={go(here + 1, first + data.items.length < data.total)}
        />
      )}
    </>
  );
}
