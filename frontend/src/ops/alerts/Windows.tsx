import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { windowsQuery } from '../../api/watchQueries';
import type { Window } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatMoment } from '../../text/format';
import { DataTable } from '../list/DataTable';
import { ReasonDialog } from '../ReasonDialog';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useNow } from '../useNow';
import { useWindowActs } from './useWindowActs';

function phaseOf({ active, cancelled_at, starts_at }: Window, now: number) {
  if (active) return 'window.active';
  if (cancelled_at !== null) return 'window.cancelled';
  return new Date(starts_at).getTime() > now ? 'window.coming' : 'window.over';
}

/** Work announced beforehand, about which nobody is called. */
export function Windows() {
  const { say, language } = useLanguage();
  const now = useNow();
  const { viewer } = useRoom();
  const acts = useWindowActs();
  const may = reaches(viewer.role, 'operator');
  const { data } = useQuery(windowsQuery);
  if (!data) return null;
  const all = (names: string[]) => (names.length === 0 ? say('list.all') : names.join(', '));
  const end = (one: Window) => {
    const phase = phaseOf(one, now);
    if (phase !== 'window.active' && phase !== 'window.coming') return '—';
    const name = say(one.active ? 'window.end' : 'window.cancel');
    return (
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`${name}: ${one.title}`}
        onClick={() => acts.end(one)}
      >
        {name}
      </Button>
    );
  };
  return (
    <>
      <div className={section.head}>
        <h2>{say('window.title')}</h2>
        {may && (
          <Button size="compact-sm" variant="default" onClick={acts.announce}>
            {say('window.announce')}
          </Button>
        )}
      </div>
      <DataTable
        caption={say('window.title')}
        items={data.items}
        keyOf={({ window_id }) => String(window_id)}
        empty={<p>{say('window.none')}</p>}
        columns={[
          {
            id: 'state',
            title: say('ops.col.state'),
            cell: (one) =>
              one.active ? <StateMark state="muted" /> : <span>{say(phaseOf(one, now))}</span>,
          },
          { id: 'title', title: say('window.what'), cell: ({ title }) => title },
          {
            id: 'from',
            title: say('run.began'),
            cell: ({ starts_at }) => formatMoment(starts_at, language),
          },
          {
            id: 'until',
            title: say('run.ended'),
            cell: ({ until }) => formatMoment(until, language),
          },
          {
            id: 'about',
            title: say('window.about'),
            wide: true,
            cell: ({ rules, subjects }) => `${all(rules)} · ${all(subjects)}`,
          },
          {
            id: 'who',
            title: say('audit.actor'),
            wide: true,
            cell: ({ created_by }) => created_by,
          },
          { id: 'reason', title: say('ops.col.reason'), wide: true, cell: ({ reason }) => reason },
          ...(may
            ? [{ id: 'act', title: say('list.actions'), cell: (one: Window) => end(one) }]
            : []),
        ]}
      />
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}
