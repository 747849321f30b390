import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { save } from '../download/save';
import { useLanguage } from '../i18n/language';
import alerts from '../ops/alerts/Alerts.module.css';
import { CopyButton } from '../ops/CopyButton';
import { DataTable } from '../ops/list/DataTable';
import { Moment } from '../ops/Moment';
import { ReasonDialog } from '../ops/ReasonDialog';
import { RoomLink } from '../ops/RoomLink';
import run from '../ops/runs/Run.module.css';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { stateOfCheck } from '../ops/state';
import { useTry } from '../ops/useTry';
import { useWords } from '../ops/words';
import { formatMoment, formatNumber, formatSize } from '../text/format';
import { useMayAct } from './FilesTab';
import { mayProcess, STATE_OF_FILE } from './judge';
import { MappingForm } from './MappingForm';
import { fileQuery, rejectedOf } from './queries';
import type { FeedFileWhole } from './types';
import { useFileActs } from './useFileActs';

function Balance({ file }: { file: FeedFileWhole }) {
  const { say, language } = useLanguage();
  const parts = [
    ['run.read', file.rows_read],
    ['run.loaded', file.rows_loaded],
    ['run.rejected', file.rows_rejected],
    ['run.duplicate', file.rows_duplicate],
  ] as const;
  const whole = file.rows_read === file.rows_loaded + file.rows_rejected + file.rows_duplicate;
  return (
    <section aria-label={say('run.balance')} className={run.part}>
      <h3>{say('run.balance')}</h3>
      <dl className={run.balance}>
        {parts.map(([name, rows], at) => (
          <div key={name}>
            <dt>{say(name)}</dt>
            <dd>
              {at > 0 && <span aria-hidden="true">{at === 1 ? '=' : '+'} </span>}
              {formatNumber(rows, 0, language)}
            </dd>
          </div>
        ))}
      </dl>
      {file.status === 'loaded' && (
        <p className={run.none}>
          <StateMark state={whole ? 'ok' : 'critical'} />{' '}
          {say(whole ? 'run.balanced' : 'run.unbalanced')}
        </p>
      )}
    </section>
  );
}

function Facts({ file }: { file: FeedFileWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const facts: [string, string | null][] = [
    [say('cattle.layout'), file.layout && words('cattle.of', file.layout)],
    [say('cattle.origin'), words('cattle.origin', file.origin)],
    [say('backup.size'), file.size_bytes === null ? null : formatSize(file.size_bytes, language)],
    [say('cattle.encoding'), file.encoding],
    [say('cattle.delimiter'), file.delimiter],
    [say('cattle.decimal'), file.decimal_mark],
    [say('cattle.dates'), file.date_format],
    [say('cattle.received'), formatMoment(file.uploaded_at, language)],
    [say('cattle.ended'), file.completed_at && formatMoment(file.completed_at, language)],
  ];
  return (
    <section aria-label={say('cattle.found')} className={run.part}>
      <h3>{say('cattle.found')}</h3>
      <dl className={run.about}>
        {facts.flatMap(([name, value]) =>
          value === null
            ? []
            : [<dt key={name}>{name}</dt>, <dd key={`${name}/value`}>{value}</dd>],
        )}
        {file.sha256 && (
          <>
            <dt>{say('origin.bronze.hash')}</dt>
            <dd>
              <code>{file.sha256.slice(0, 24)}…</code>{' '}
              <CopyButton text={file.sha256} what={say('origin.bronze.hash')} />
            </dd>
          </>
        )}
        {file.bronze && (
          <>
            <dt>{say('cattle.raw')}</dt>
            <dd>
              <code>{file.bronze.path}</code>
            </dd>
          </>
        )}
        {file.run_id && (
          <>
            <dt>{say('run.one')}</dt>
            <dd>
              <RoomLink to="/operacoes/execucoes/$id" params={{ id: file.run_id }}>
                {file.run_id}
              </RoomLink>
            </dd>
          </>
        )}
        {file.duplicate_of && (
          <>
            <dt>{say('cattle.copyOf')}</dt>
            <dd>
              <RoomLink to="/etl-operations/$id" params={{ id: file.duplicate_of }}>
                {file.duplicate_of}
              </RoomLink>
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

function Timeline({ file }: { file: FeedFileWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  return (
    <section aria-label={say('incident.timeline')} className={run.part}>
      <h3>{say('incident.timeline')}</h3>
      <ol className={alerts.history}>
        {file.timeline.map((event) => (
          <li key={`${event.at}/${event.state}`}>
            <time dateTime={event.at}>{formatMoment(event.at, language)}</time>
            <span>
              <StateMark state={STATE_OF_FILE[event.state]} /> {words('cattle.state', event.state)}
            </span>
            <span>{[event.actor, event.error ?? event.reason].filter(Boolean).join(': ')}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Headers({ file }: { file: FeedFileWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  return (
    <DataTable
      caption={say('cattle.mapping')}
      items={file.mapping}
      keyOf={({ header }) => header}
      empty={<p>{say('cattle.noMapping')}</p>}
      columns={[
        { id: 'header', title: say('cattle.header'), cell: ({ header }) => <code>{header}</code> },
        {
          id: 'column',
          title: say('cattle.column'),
          cell: ({ column }) => (column ? <code>{column}</code> : say('cattle.noColumn')),
        },
        { id: 'how', title: say('cattle.how'), cell: ({ how }) => words('cattle.how', how) },
        {
          id: 'score',
          title: say('cattle.nearness'),
          numeric: true,
          wide: true,
          cell: ({ score }) => formatNumber(100 * score, 0, language),
        },
      ]}
    />
  );
}

function Checks({ file }: { file: FeedFileWhole }) {
  const { say } = useLanguage();
  return (
    <DataTable
      caption={say('ops.checks')}
      items={file.checks}
      keyOf={({ check_name, details }) => `${check_name}/${JSON.stringify(details)}`}
      empty={<p>{say('cattle.noChecks')}</p>}
      columns={[
        {
          id: 'state',
          title: say('ops.col.state'),
          cell: (one) => <StateMark state={stateOfCheck(one)} />,
        },
        {
          id: 'name',
          title: say('ops.col.check'),
          cell: ({ check_name }) => <code>{check_name}</code>,
        },
        {
          id: 'observed',
          title: say('ops.col.observed'),
          numeric: true,
          cell: ({ observed }) => String(observed ?? '—'),
        },
        {
          id: 'threshold',
          title: say('ops.col.threshold'),
          numeric: true,
          cell: ({ threshold }) => String(threshold ?? '—'),
        },
      ]}
    />
  );
}

function Buttons({ file }: { file: FeedFileWhole }) {
  const { say } = useLanguage();
  const may = useMayAct();
  const acts = useFileActs();
  const { busy, error, attempt } = useTry();
  const download = () =>
    void attempt(async () =>
      save(`${file.filename.replace(/\.\w+$/, '')}-recusadas.csv`, await rejectedOf(file.id)),
    );
  return (
    <div className={alerts.buttons}>
      {may && (
        <Button
          size="compact-sm"
          disabled={!mayProcess(file.state)}
          onClick={() => acts.process(file)}
        >
          {say('cattle.process')}
        </Button>
      )}
      {file.rows_rejected > 0 && (
        <Button size="compact-sm" variant="default" loading={busy} onClick={download}>
          {say('cattle.rejectedCsv')}
        </Button>
      )}
      {file.rows_rejected > 0 && (
        <RoomLink to="/etl-operations" search={{ tab: 'dlq', filter: file.id }}>
          {say('run.seeLetters')}
        </RoomLink>
      )}
      {error && <Refusal error={error} onRetry={download} />}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </div>
  );
}

function Whole({ file }: { file: FeedFileWhole }) {
  const { say } = useLanguage();
  const words = useWords();
  const may = useMayAct();
  const state = STATE_OF_FILE[file.state];
  return (
    <div className={alerts.page}>
      <div className={section.verdict} data-state={state}>
        <p role="status">
          <StateMark state={state} /> {words('cattle.state', file.state)} ·{' '}
          <Moment iso={file.updated_at} />
        </p>
        {file.error_message && <p>{file.error_message}</p>}
      </div>
      <Buttons file={file} />
      {file.state === 'awaiting_mapping' && may && <MappingForm file={file} />}
      <div className={run.parts}>
        <Balance file={file} />
        <Timeline file={file} />
        <Facts file={file} />
      </div>
      <div className={section.head}>
        <h2>{say('cattle.mapping')}</h2>
      </div>
      <Headers file={file} />
      <div className={section.head}>
        <h2>{say('ops.checks')}</h2>
      </div>
      <Checks file={file} />
    </div>
  );
}

/** One file: how it came to be as it is, what was found in it, and what became of its rows. */
export function FilePage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(fileQuery(id));
  return (
    <section aria-label={say('cattle.file')}>
      <p className={run.back}>
        <RoomLink to="/etl-operations">{say('cattle.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data?.filename ?? say('cattle.file')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole key={data.id} file={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
