import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { Moment } from '../ops/Moment';
import { RoomLink } from '../ops/RoomLink';
import { reaches, useRoom } from '../ops/room';
import run from '../ops/runs/Run.module.css';
import section from '../ops/Section.module.css';
import { evaluationQuery } from './queries';
import type { EvaluationWhole } from './types';
import { VerdictView } from './VerdictView';

function Asked({ evaluation }: { evaluation: EvaluationWhole }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  return (
    <section aria-label={say('eq.asked')} className={run.part}>
      <h3>{say('eq.asked')}</h3>
      <dl className={run.about}>
        <dt>{say('audit.actor')}</dt>
        <dd>{evaluation.actor}</dd>
        <dt>{say('ops.col.when')}</dt>
        <dd>
          <Moment iso={evaluation.created_at} />
        </dd>
        <dt>{say('eq.requestHash')}</dt>
        <dd>
          <code>{evaluation.request_sha256}</code>
        </dd>
        <dt>{say('error.trace')}</dt>
        <dd>
          <code>{evaluation.trace_id}</code>
        </dd>
        {evaluation.batch_id && (
          <>
            <dt>{say('eq.batch.one')}</dt>
            <dd>
              <RoomLink to="/equivalencia/lotes/$id" params={{ id: evaluation.batch_id }}>
                <code>{evaluation.batch_id}</code>
              </RoomLink>
            </dd>
          </>
        )}
      </dl>
      {reaches(viewer.role, 'auditor') && (
        <p>
          <RoomLink to="/operacoes/auditoria" search={{ action: 'evaluation.decided' }}>
            {say('eq.inAudit')}
          </RoomLink>
        </p>
      )}
    </section>
  );
}

/** One evaluation as it was answered; of the syllabi only what was quoted is kept. */
export function EvaluationPage() {
  const { say } = useLanguage();
  const { id = '' } = useParams({ strict: false }) as { id?: string };
  const { data, error, refetch } = useQuery(evaluationQuery(id));
  return (
    <section aria-label={say('eq.evaluation')}>
      <p className={run.back}>
        <RoomLink to="/equivalencia/avaliacoes">{say('eq.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data ? `${data.origem} → ${data.destino}` : say('eq.evaluation')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={10} />}
      {data && (
        <>
          <VerdictView answer={data.answer} />
          <Asked evaluation={data} />
        </>
      )}
    </section>
  );
}
