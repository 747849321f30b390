import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { askForBackup, backupsQuery } from '../../api/opsQueries';
import type { Backup, Backups } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber, formatSize } from '../../text/format';
import { Command } from '../Command';
import type { DataColumn } from '../list/DataTable';
import { LocalList } from '../list/LocalList';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { bySeverity } from '../state';
import { useProposal } from '../useProposal';
import { bestOf, stateOfBackup } from './judge';

const keyOf = ({ backup_id }: Backup) => backup_id;
const textOf = ({ name, actor, reason }: Backup) => `${name} ${actor} ${reason}`;

function Guard({ backups }: { backups: Backups }) {
  const { say } = useLanguage();
  const { guarded, limit_hours, newest_verified_utc } = backups.guard;
  const state = guarded ? 'ok' : 'critical';
  return (
    <div className={section.verdict} data-state={state}>
      <p>
        <StateMark state={state} />{' '}
        {say(guarded ? 'backup.guarded' : 'backup.notGuarded', { hours: limit_hours })}
      </p>
      <p>
        {newest_verified_utc ? (
          <>
            {say('backup.newest')} <Moment iso={newest_verified_utc} />.
          </>
        ) : (
          say('backup.never')
        )}
      </p>
      {!guarded && (
        <Command
          text=".venv/bin/atalaia backup create --out copia.atalaia --verify --reason plantão"
          what={say('backup.create.what')}
        />
      )}
    </div>
  );
}

/** A backup begun from here: a worker makes it and rehearses the way back from it. */
function Begin() {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const { proposal, close, propose, done } = useProposal();
  if (!reaches(viewer.role, 'operator')) return null;
  const begin = () => {
    // One number per question asked: a second press of the button is the same backup.
    const once = crypto.randomUUID();
    propose({
      title: say('backup.begin'),
      plan: <p>{say('backup.begin.plan')}</p>,
      button: say('backup.begin.button'),
      act: async (reason) => {
        await askForBackup(reason, once);
        await done(say('backup.begun'));
      },
    });
  };
  return (
    <div className={section.begin}>
      <Button size="compact-sm" onClick={begin}>
        {say('backup.begin')}
      </Button>
      <RoomLink to="/operacoes/fila">{say('backup.follow')}</RoomLink>
      <ReasonDialog proposal={proposal} onClose={close} />
    </div>
  );
}

function LastDrill({ backups }: { backups: Backups }) {
  const { say, language } = useLanguage();
  const [last] = backups.drills;
  if (!last) {
    return (
      <div className={section.verdict} data-state="unknown">
        <p>
          <StateMark state="unknown" /> {say('drill.never')}
        </p>
        <Command text=".venv/bin/atalaia backup drill" what={say('drill.what')} />
      </div>
    );
  }
  const state = last.passed ? 'ok' : 'critical';
  return (
    <div className={section.verdict} data-state={state}>
      <p>
        <StateMark state={state} /> {say(last.passed ? 'drill.passed' : 'drill.failed')}{' '}
        <Moment iso={last.started_at_utc} />.
      </p>
      <p>
        {last.problem ??
          say('drill.figures', {
            seconds: formatNumber(last.restore_seconds, 1, language),
            size: formatSize(last.database_bytes, language),
            rows: formatNumber(last.row_count, 0, language),
          })}
      </p>
    </div>
  );
}

function useColumns(): DataColumn<Backup>[] {
  const { say, language } = useLanguage();
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (backup) => (
        <>
          <StateMark state={stateOfBackup(backup)} />{' '}
          <small>
            {backup.problem ??
              (backup.removed_at_utc
                ? say('backup.removed')
                : say(backup.verified_at_utc ? 'backup.verified' : 'backup.unverified'))}
          </small>
        </>
      ),
      value: (backup) => bySeverity(stateOfBackup(backup), 'critical'),
    },
    {
      id: 'created',
      title: say('backup.age'),
      cell: ({ created_at_utc }) => <Moment iso={created_at_utc} />,
      value: ({ created_at_utc }) => created_at_utc,
    },
    {
      id: 'name',
      title: say('backup.file'),
      cell: ({ name }) => <code>{name}</code>,
      value: ({ name }) => name,
    },
    {
      id: 'size',
      title: say('backup.size'),
      numeric: true,
      wide: true,
      cell: ({ size }) => formatSize(size, language),
      value: ({ size }) => size,
    },
    {
      id: 'rows',
      title: say('backup.rows'),
      numeric: true,
      wide: true,
      cell: ({ row_count }) => formatNumber(row_count, 0, language),
      value: ({ row_count }) => row_count,
    },
    {
      id: 'missing',
      title: say('backup.missing'),
      numeric: true,
      wide: true,
      cell: ({ missing_files }) => formatNumber(missing_files, 0, language),
      value: ({ missing_files }) => missing_files,
    },
    {
      id: 'actor',
      title: say('audit.actor'),
      wide: true,
      cell: ({ actor }) => actor,
      value: ({ actor }) => actor,
    },
    {
      id: 'reason',
      title: say('ops.col.reason'),
      wide: true,
      cell: ({ reason }) => reason || '—',
      value: ({ reason }) => reason,
    },
    {
      id: 'sha256',
      title: say('origin.bronze.hash'),
      wide: true,
      cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 12)}</code>,
      value: ({ sha256 }) => sha256,
    },
  ];
}

/** Whether there is something to go back to, whether that was tried, and how it is done. */
export function BackupsPage() {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(backupsQuery);
  const columns = useColumns();
  const best = data && bestOf(data.items);
  return (
    <section aria-label={say('room.backups')}>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <Begin />
          <Guard backups={data} />
          <LastDrill backups={data} />
          <div className={section.head}>
            <h2>{say('restore.title')}</h2>
          </div>
          <p className={section.words}>{say('restore.how')}</p>
          <Command
            text={`.venv/bin/atalaia backup restore --from ${best?.name ?? 'ARQUIVO'} --reason "…"`}
            what={say('restore.what')}
          />
          <div className={section.head}>
            <h2>{say('backup.list')}</h2>
          </div>
          <LocalList
            title={say('backup.list')}
            name="copias"
            items={data.items}
            columns={columns}
            keyOf={keyOf}
            textOf={textOf}
            usual={{ column: 'created', descending: true }}
            empty={<p>{say('backup.none')}</p>}
          />
        </>
      )}
    </section>
  );
}
