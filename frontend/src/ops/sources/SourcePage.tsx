import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { coverageQuery, evidenceOf, sourceQuery } from '../../api/sourceQueries';
import type { Covered, SourceWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { save } from '../../download/save';
import { useLanguage } from '../../i18n/language';
import { formatMoment, formatNumber } from '../../text/format';
import { DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import { RoomLink } from '../RoomLink';
import run from '../runs/Run.module.css';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useTry } from '../useTry';
import { useWords } from '../words';
import { STATE_OF_SOURCE, stateOfSource } from './judge';
import styles from './Source.module.css';
import { Strip, StripLegend } from './Strip';

function EvidenceButton({ name }: { name: string }) {
  const { say } = useLanguage();
  const { busy, error, attempt } = useTry();
  const download = () => attempt(async () => save(`evidencia-${name}.zip`, await evidenceOf(name)));
  return (
    <div className={styles.evidence}>
      <Button size="compact-sm" variant="default" loading={busy} onClick={download}>
        {say('source.evidence')}
      </Button>
      {error && <Refusal error={error} onRetry={download} />}
    </div>
  );
}

function Figures({ source }: { source: SourceWhole }) {
  const { say, language } = useLanguage();
  const number = (value: number, decimals = 0) => formatNumber(value, decimals, language);
  const facts: [string, string][] = [
    [say('source.runs'), number(source.runs)],
    [say('source.lateDays'), number(source.late_days)],
    [say('source.failed'), number(source.failed)],
    [say('source.silent'), number(source.not_published)],
    [say('source.unreachable'), number(source.unreachable)],
    [say('source.schemaChanges'), number(source.schema_changes)],
    [say('source.certificateChanges'), number(source.certificate_changes)],
    [
      say('source.refresh'),
      source.refresh_hours === null
        ? say('source.bundled')
        : say('source.hours', { hours: number(source.refresh_hours) }),
    ],
    [
      say('source.delay'),
      source.median_delay_hours === null
        ? '—'
        : say('source.hours', { hours: number(source.median_delay_hours, 1) }),
    ],
    [
      say('source.lastGood'),
      source.last_good_at ? formatMoment(source.last_good_at, language) : '—',
    ],
  ];
  return (
    <dl className={run.about}>
      {facts.flatMap(([name, value]) => [
        <dt key={name}>{name}</dt>,
        <dd key={`${name}/value`}>{value}</dd>,
      ])}
    </dl>
  );
}

/** Every period that was ever asked for, each a cell that leads to the run it stands on. */
function Coverage({ periods }: { periods: readonly Covered[] }) {
  const { say, language } = useLanguage();
  const words = useWords();
  if (periods.length === 0) return <p className={run.none}>{say('source.noPeriods')}</p>;
  return (
    <ul className={styles.coverage}>
      {periods.map((one) => (
        <li key={one.run_id} data-state={STATE_OF_SOURCE[one.state]}>
          <RoomLink to="/operacoes/execucoes/$id" params={{ id: one.good_run_id ?? one.run_id }}>
            {one.reference_period ?? '—'}
          </RoomLink>
          <span>
            <StateMark state={STATE_OF_SOURCE[one.state]} /> {words('source.state', one.state)}
          </span>
          {one.rows_loaded !== null && (
            <span>{say('source.rows', { rows: formatNumber(one.rows_loaded, 0, language) })}</span>
          )}
          {one.says && <span>{one.says}</span>}
        </li>
      ))}
    </ul>
  );
}

function Past({ source }: { source: SourceWhole }) {
  const { say } = useLanguage();
  return (
    <div className={run.parts}>
      <section aria-label={say('source.contracts')} className={run.part}>
        <h3>{say('source.contracts')}</h3>
        <DataTable
          caption={say('source.contracts')}
          items={source.contracts}
          keyOf={({ version, table_name }) => `${table_name}/${version}`}
          empty={<p>{say('source.noContracts')}</p>}
          columns={[
            { id: 'version', title: say('source.version'), cell: ({ version }) => version },
            { id: 'table', title: say('run.table'), cell: ({ table_name }) => table_name },
            {
              id: 'active',
              title: say('ops.col.status'),
              cell: ({ active }) => say(active ? 'source.inForce' : 'source.former'),
            },
            {
              id: 'when',
              title: say('ops.col.when'),
              cell: ({ created_at_utc }) => <Moment iso={created_at_utc} />,
            },
          ]}
        />
      </section>
      <section aria-label={say('source.certificates')} className={run.part}>
        <h3>{say('source.certificates')}</h3>
        <DataTable
          caption={say('source.certificates')}
          items={source.certificates}
          keyOf={({ sha256 }) => sha256}
          empty={<p>{say('source.noCertificates')}</p>}
          columns={[
            {
              id: 'hash',
              title: say('origin.bronze.hash'),
              cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 12)}</code>,
            },
            {
              id: 'seen',
              title: say('source.firstSeen'),
              cell: ({ first_seen_at }) => <Moment iso={first_seen_at} />,
            },
          ]}
        />
      </section>
    </div>
  );
}

function Whole({ source }: { source: SourceWhole }) {
  const { say } = useLanguage();
  const words = useWords();
  const coverage = useQuery(coverageQuery(source.connector));
  const state = stateOfSource(source);
  const standing =
    source.status === 'planned'
      ? words('ops.connector', source.status)
      : words('source.state', source.state);
  return (
    <>
      <div className={section.verdict} data-state={state}>
        <p>
          <StateMark state={state} /> {[standing, source.says].filter(Boolean).join(': ')}
        </p>
        <EvidenceButton name={source.connector} />
      </div>
      <div className={styles.days}>
        <Strip days={source.days} of={source.connector} />
        <StripLegend />
      </div>
      <div className={run.parts}>
        <section aria-label={say('source.figures')} className={run.part}>
          <h3>{say('source.figures')}</h3>
          <Figures source={source} />
        </section>
        <section aria-label={say('source.coverage')} className={run.part}>
          <h3>{say('source.coverage')}</h3>
          {coverage.error && (
            <Refusal error={coverage.error} onRetry={() => void coverage.refetch()} />
          )}
          {coverage.data && <Coverage periods={coverage.data.items} />}
        </section>
      </div>
      <Past source={source} />
      <p>
        <RoomLink to="/operacoes/execucoes" search={{ job: source.job_name }}>
          {say('source.seeRuns')}
        </RoomLink>
      </p>
    </>
  );
}

/** One source: its verdict and what it stands on, its days, its periods, what changed in it. */
export function SourcePage() {
  const { say } = useLanguage();
  const { name = '' } = useParams({ strict: false }) as { name?: string };
  const { data, error, refetch } = useQuery(sourceQuery(name));
  return (
    <section aria-label={name}>
      <p className={run.back}>
        <RoomLink to="/operacoes/fontes">{say('source.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data ? `${data.source} · ${data.connector}` : name}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole source={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
