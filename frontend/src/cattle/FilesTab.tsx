import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import bar from '../ops/list/Bar.module.css';
import { Choice } from '../ops/list/Choice';
import { type DataColumn, DataTable } from '../ops/list/DataTable';
import { ExportButton } from '../ops/list/ExportButton';
import { FilterText } from '../ops/list/FilterText';
import { Paging } from '../ops/list/Paging';
import { useListSearch } from '../ops/list/useListSearch';
import { Moment } from '../ops/Moment';
import { ReasonDialog } from '../ops/ReasonDialog';
import { RoomLink } from '../ops/RoomLink';
import { reaches, useRoom } from '../ops/room';
import { StateMark } from '../ops/StateMark';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import { mayProcess, STATE_OF_FILE } from './judge';
import { filesQuery } from './queries';
import { Send } from './Send';
import { type FeedFile, FILE_STATUSES } from './types';
import { useFileActs } from './useFileActs';

const PAGE_ROWS = 50;

/** Who brings files and has them processed: operators, and a tenant's program. */
export function useMayAct(): boolean {
  const { viewer } = useRoom();
  return viewer.role === 'client' || reaches(viewer.role, 'operator');
}

function useColumns(onProcess: ((file: FeedFile) => void) | null): DataColumn<FeedFile>[] {
  const { say, language } = useLanguage();
  const words = useWords();
  const number = (value: number) => formatNumber(value, 0, language);
  const rows = (
    id: 'rows_read' | 'rows_loaded' | 'rows_rejected' | 'rows_duplicate',
    title: string,
  ): DataColumn<FeedFile> => ({
    id,
    title,
    numeric: true,
    wide: true,
    cell: (one) => number(one[id]),
    value: (one) => one[id],
  });
  const columns: DataColumn<FeedFile>[] = [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: ({ state }) => (
        <>
          <StateMark state={STATE_OF_FILE[state]} /> <small>{words('cattle.state', state)}</small>
        </>
      ),
      value: ({ state }) => state,
    },
    {
      id: 'file',
      title: say('cattle.file'),
      cell: ({ id, filename, error_message }) => (
        <>
          <RoomLink to="/etl-operations/$id" params={{ id }}>
            {filename}
          </RoomLink>
          {error_message && (
            <>
              <br />
              <small>{error_message}</small>
            </>
          )}
        </>
      ),
      value: ({ filename }) => filename,
    },
    {
      id: 'layout',
      title: say('cattle.layout'),
      wide: true,
      cell: ({ layout }) => (layout ? words('cattle.of', layout) : '—'),
      value: ({ layout }) => layout,
    },
    rows('rows_read', say('run.read')),
    rows('rows_loaded', say('run.loaded')),
    rows('rows_rejected', say('run.rejected')),
    rows('rows_duplicate', say('run.duplicate')),
    {
      id: 'when',
      title: say('cattle.received'),
      cell: ({ uploaded_at }) => <Moment iso={uploaded_at} />,
      value: ({ uploaded_at }) => uploaded_at,
    },
  ];
  if (!onProcess) return columns;
  return [
    ...columns,
    {
      id: 'act',
      title: say('list.actions'),
      cell: (file) => (
        <Button
          size="compact-sm"
          variant="default"
          disabled={!mayProcess(file.state)}
          aria-label={`${say('cattle.process')}: ${file.filename}`}
          onClick={() => onProcess(file)}
        >
          {say('cattle.process')}
        </Button>
      ),
    },
  ];
}

/** The files, the newest first: how each stands, and having it processed. */
export function FilesTab() {
  const { say, language } = useLanguage();
  const words = useWords();
  const may = useMayAct();
  const acts = useFileActs();
  const { search, put } = useListSearch();
  const page = Math.max(1, Math.trunc(Number(search.page)) || 1);
  const question = { status: search.status, q: search.q };
  const { data, error, refetch } = useQuery(
    filesQuery({ ...question, page, page_size: PAGE_ROWS }),
  );
  const columns = useColumns(may ? acts.process : null);
  const number = (value: number) => formatNumber(value, 0, language);
  const go = (to: number) => () => put({ page: to === 1 ? undefined : String(to) });
  const first = (page - 1) * PAGE_ROWS;
  return (
    <>
      {may && <Send />}
      <div className={bar.bar}>
        <Choice
          label={say('ops.col.state')}
          name="status"
          options={FILE_STATUSES.map((one) => [one, words('cattle.status', one)])}
        />
        <FilterText
          label={say('cattle.file')}
          value={search.q}
          onChange={(q) => put({ q, page: undefined })}
        />
        <ExportButton
          title={say('cattle.filesTab')}
          name="arquivos-etl"
          columns={columns}
          rowsOf={() => data?.items ?? []}
        />
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <DataTable
            caption={say('cattle.filesTab')}
            items={data.items}
            columns={columns}
            keyOf={({ id }) => id}
            empty={<p>{say('cattle.noFiles')}</p>}
          />
          <Paging
            text={say('cattle.range', {
              from: number(data.count === 0 ? 0 : first + 1),
              to: number(first + data.count),
            })}
            onPrevious={page > 1 ? go(page - 1) : undefined}
            onNext={data.more ? go(page + 1) : undefined}
          />
        </>
      )}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}
