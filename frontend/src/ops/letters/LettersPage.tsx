import { Button, NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lettersQuery, MOST_LETTERS } from '../../api/opsQueries';
import type { Letter } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import bar from '../list/Bar.module.css';
import type { DataColumn } from '../list/DataTable';
import open from '../list/DataTable.module.css';
import { LocalList } from '../list/LocalList';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { GroupsPanel } from './GroupsPanel';
import { LetterDrawer } from './LetterDrawer';
import { useDecisions } from './useDecisions';

const keyOf = ({ dead_letter_id }: Letter) => String(dead_letter_id);
const textOf = (one: Letter) =>
  `${one.dead_letter_id} ${one.entity_type} ${one.entity_id} ${one.reason} ${one.reference_period} ${JSON.stringify(one.payload)}`;

function useColumns(onOpen: (id: string) => void): DataColumn<Letter>[] {
  const { say } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'id',
      title: say('letter.number'),
      numeric: true,
      cell: ({ dead_letter_id }) => dead_letter_id,
      value: ({ dead_letter_id }) => dead_letter_id,
    },
    {
      id: 'reason',
      title: say('ops.col.reason'),
      cell: (letter) => (
        <button type="button" className={open.open} onClick={() => onOpen(keyOf(letter))}>
          {letter.reason}
        </button>
      ),
      value: ({ reason }) => reason,
    },
    {
      id: 'source',
      title: say('ops.col.source'),
      wide: true,
      cell: ({ entity_type }) => <code>{entity_type}</code>,
      value: ({ entity_type }) => entity_type,
    },
    {
      id: 'period',
      title: say('ops.col.period'),
      wide: true,
      cell: ({ reference_period }) => reference_period ?? '—',
      value: ({ reference_period }) => reference_period,
    },
    {
      id: 'place',
      title: say('letter.place'),
      wide: true,
      cell: ({ entity_id }) => <code>{entity_id}</code>,
      value: ({ entity_id }) => entity_id,
    },
    {
      id: 'kind',
      title: say('letter.kind'),
      wide: true,
      cell: ({ error_type }) => words('letter.error', error_type),
      value: ({ error_type }) => error_type,
    },
    {
      id: 'when',
      title: say('ops.col.when'),
      wide: true,
      cell: ({ created_at_utc }) => <Moment iso={created_at_utc} />,
      value: ({ created_at_utc }) => created_at_utc,
    },
  ];
}

/** So many letters come in parts, the oldest first. */
function Parts({ part, more }: { part: number; more: boolean }) {
  const { say, language } = useLanguage();
  const { step } = useListSearch();
  const count = formatNumber(MOST_LETTERS, 0, language);
  const go = (to: number) => step({ part: to === 1 ? undefined : String(to), page: undefined });
  return (
    <nav className={bar.paging} aria-label={say('letter.parts')}>
      <span role="status">
        {say('letter.part', { part: formatNumber(part, 0, language), count })}
      </span>
      <Button
        size="compact-sm"
        variant="default"
        disabled={part === 1}
        onClick={() => go(part - 1)}
      >
        {say('letter.partBefore', { count })}
      </Button>
      <Button size="compact-sm" variant="default" disabled={!more} onClick={() => go(part + 1)}>
        {say('letter.partAfter', { count })}
      </Button>
    </nav>
  );
}

/** What was put aside: first in as many lines as there are reasons, then one by one. */
export function LettersPage() {
  const { say } = useLanguage();
  const { search, put, step } = useListSearch();
  const resolved = search.decided === 'yes';
  const part = Math.max(1, Math.trunc(Number(search.part)) || 1);
  const { data, error, refetch } = useQuery(lettersQuery(search.source, resolved, part));
  const close = () => put({ open: undefined });
  const decisions = useDecisions(close);
  const columns = useColumns((id) => step({ open: id }));
  const sources = [...new Set(data?.items.map(({ entity_type }) => entity_type))];
  const chosen = search.source ?? '';
  if (chosen && !sources.includes(chosen)) sources.push(chosen);
  return (
    <section aria-label={say('room.letters')}>
      <div className={section.head}>
        <h2>{say('letter.list')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && !resolved && data.items.length > 0 && (
        <GroupsPanel letters={data.items} decisions={decisions} />
      )}
      {data && (data.more || part > 1) && <Parts part={part} more={data.more} />}
      {data && (
        <LocalList
          title={say('letter.list')}
          name="mortos"
          items={data.items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'id', descending: false }}
          filters={
            <>
              <NativeSelect
                className={bar.field}
                size="xs"
                label={say('ops.col.source')}
                value={chosen}
                data={[{ value: '', label: say('list.all') }, ...sources]}
                onChange={({ currentTarget: { value } }) =>
                  put({ source: value || undefined, page: undefined, part: undefined })
                }
              />
              <NativeSelect
                className={bar.field}
                size="xs"
                label={say('key.show')}
                value={resolved ? 'yes' : ''}
                data={[
                  { value: '', label: say('letter.show.waiting') },
                  { value: 'yes', label: say('letter.show.decided') },
                ]}
                onChange={({ currentTarget: { value } }) =>
                  put({ decided: value || undefined, page: undefined, part: undefined })
                }
              />
            </>
          }
          empty={
            <p>
              <StateMark state="ok" /> {say(resolved ? 'letter.noneDecided' : 'letter.none')}
            </p>
          }
        />
      )}
      <LetterDrawer id={search.open} decisions={decisions} onClose={close} />
      <ReasonDialog proposal={decisions.proposal} onClose={decisions.close} />
    </section>
  );
}
