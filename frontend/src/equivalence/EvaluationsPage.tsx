import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Query } from '../api/client';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { save } from '../download/save';
import { useLanguage } from '../i18n/language';
import { dayBounds } from '../ops/audit/judge';
import bar from '../ops/list/Bar.module.css';
import { Choice } from '../ops/list/Choice';
import { type DataColumn, DataTable } from '../ops/list/DataTable';
import { DayRange } from '../ops/list/DayRange';
import { FilterText } from '../ops/list/FilterText';
import { Paging } from '../ops/list/Paging';
import { useListSearch } from '../ops/list/useListSearch';
import { Moment } from '../ops/Moment';
import { RoomLink } from '../ops/RoomLink';
import { reaches, useRoom } from '../ops/room';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useTry } from '../ops/useTry';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import type { Search } from '../view/address';
import styles from './Equivalence.module.css';
import { STATE_OF_DECISION } from './judge';
import { evaluationsQuery, exportEvaluations } from './queries';
import { DECISIONS, type Evaluation, type EvaluationPage } from './types';

const PAGE_ROWS = 50;

/** What the address asks, as the API is asked it. */
function questionOf(search: Search): Query {
  return {
    decisao: search.decision,
    policy: search.policy,
    mapper: search.mapper,
    degraded: search.degraded,
    batch_id: search.batch,
    since: dayBounds(search.since)?.begins,
    until: dayBounds(search.until)?.ends,
  };
}

function useColumns(): DataColumn<Evaluation>[] {
  const { say, language } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'decision',
      title: say('eq.decisionTitle'),
      cell: ({ decisao, degraded }) => (
        <>
          <StateMark state={STATE_OF_DECISION[decisao]} word={words('eq.decision', decisao)} />
          {degraded && <small> · {say('eq.isDegraded')}</small>}
        </>
      ),
    },
    {
      id: 'what',
      title: say('eq.whatForWhat'),
      cell: ({ evaluation_id, origem, destino }) => (
        <RoomLink to="/equivalencia/avaliacoes/$id" params={{ id: evaluation_id }}>
          {origem} → {destino}
        </RoomLink>
      ),
    },
    {
      id: 'score',
      title: say('eq.score'),
      numeric: true,
      cell: ({ score }) => formatNumber(score, 1, language),
    },
    {
      id: 'policy',
      title: say('eq.policy'),
      wide: true,
      cell: ({ policy, policy_version }) => `${policy} ${policy_version}`,
    },
    {
      id: 'mapper',
      title: say('eq.mapper'),
      wide: true,
      cell: ({ mapper }) => <code>{mapper}</code>,
    },
    {
      id: 'request',
      title: say('eq.request'),
      wide: true,
      cell: ({ request_id }) => <code>{request_id}</code>,
    },
    { id: 'actor', title: say('audit.actor'), wide: true, cell: ({ actor }) => actor },
    {
      id: 'when',
      title: say('ops.col.when'),
      cell: ({ created_at }) => <Moment iso={created_at} />,
    },
  ];
}

function Export({ question }: { question: Query }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const { busy, error, attempt } = useTry();
  if (!reaches(viewer.role, 'auditor')) return null;
  const download = () =>
    void attempt(async () => {
      const day = new Date().toISOString().slice(0, 10);
      save(`equivalencias-${day}.csv`, await exportEvaluations(question));
    });
  return (
    <div>
      <Button size="compact-sm" variant="default" loading={busy} onClick={download}>
        {say('eq.export')}
      </Button>
      {error && <Refusal error={error} onRetry={download} />}
    </div>
  );
}

function Counts({ page }: { page: EvaluationPage }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const number = (value: number) => formatNumber(value, 0, language);
  return (
    <p className={styles.counts} role="status">
      <span>{say('eq.total', { count: number(page.total) })}</span>
      {DECISIONS.map((one) => (
        <span key={one}>
          <StateMark state={STATE_OF_DECISION[one]} word={words('eq.decision', one)} />:{' '}
          {number(page[one])}
        </span>
      ))}
      <span>
        {say('eq.isDegraded')}: {number(page.degraded)}
      </span>
    </p>
  );
}

/** What was answered, newest first: filtered, opened one by one, exported whole. */
export function EvaluationsPage() {
  const { say, language } = useLanguage();
  const words = useWords();
  const { search, put, step } = useListSearch();
  const question = questionOf(search);
  const columns = useColumns();
  const asked = { ...question, before: search.before, page_size: PAGE_ROWS };
  const { data, error, refetch } = useQuery(evaluationsQuery(asked));
  const from = (changes: Search) => put({ ...changes, before: undefined });
  return (
    <section aria-label={say('eq.evaluations')}>
      <div className={section.head}>
        <h2>{say('eq.evaluations')}</h2>
      </div>
      <div className={bar.bar}>
        <Choice
          label={say('eq.decisionTitle')}
          name="decision"
          options={DECISIONS.map((one) => [one, words('eq.decision', one)])}
        />
        <Choice
          label={say('eq.mode')}
          name="degraded"
          options={[
            ['true', say('eq.isDegraded')],
            ['false', say('eq.isWhole')],
          ]}
        />
        <FilterText
          label={say('eq.policy')}
          value={search.policy}
          onChange={(policy) => from({ policy })}
        />
        <FilterText
          label={say('eq.mapper')}
          value={search.mapper}
          onChange={(mapper) => from({ mapper })}
        />
        <DayRange ends={['since', 'until']} days={search} onChange={from} />
        <Export question={question} />
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <Counts page={data} />
          <DataTable
            caption={say('eq.evaluations')}
            items={data.items}
            columns={columns}
            keyOf={({ evaluation_id }) => evaluation_id}
            empty={<p>{say('eq.none')}</p>}
          />
          <Paging
            text={say('list.count', {
              count: formatNumber(data.count, 0, language),
              total: formatNumber(data.total, 0, language),
            })}
            onPrevious={search.before ? () => put({ before: undefined }) : undefined}
            onNext={data.next ? () => step({ before: String(data.next) }) : undefined}
          />
        </>
      )}
    </section>
  );
}
