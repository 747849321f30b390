import { useQuery } from '@tanstack/react-query';
import { contactsQuery } from '../../api/incidentQueries';
import type { IncidentWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { useLanguage } from '../../i18n/language';
import { reaches, useRoom } from '../room';
import run from '../runs/Run.module.css';

/** Who is to be called now, by the level the incident is at. */
export function Contacts({ incident }: { incident: IncidentWhole }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const may = reaches(viewer.role, 'operator') && incident.status !== 'resolved';
  const { data, error, refetch } = useQuery({
    ...contactsQuery(incident.incident_id),
    enabled: may,
  });
  if (!may) return null;
  return (
    <section aria-label={say('incident.contacts')} className={run.part}>
      <h3>{say('incident.contacts')}</h3>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      <dl className={run.about}>
        {data?.items.flatMap(({ role, ...ways }, at) => {
          const told = Object.values(ways).filter((way) => typeof way === 'string' && way !== '');
          const key = `${at}/${role}`;
          return [
            <dt key={key}>{role}</dt>,
            <dd key={`${key}/ways`}>{told.length > 0 ? told.join(' · ') : '—'}</dd>,
          ];
        })}
      </dl>
    </section>
  );
}
