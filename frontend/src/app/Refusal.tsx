import { Button } from '@mantine/core';
import { ProblemError } from '../api/problem';
import { useLanguage } from '../i18n/language';
import styles from './Refusal.module.css';

function happened(error: ProblemError) {
  if (error.unanswered) return 'error.unanswered.title' as const;
  const { status } = error.problem;
  if (status === 401 || status === 403) return 'error.refused.title' as const;
  if (status === 404 || status === 422) return 'error.notFound.title' as const;
  return status === 429 ? ('error.limited.title' as const) : ('error.failed.title' as const);
}

interface RefusalProps {
  error: Error;
  /** Offered when asking again may help. */
  onRetry?: () => void;
  /** Whether an earlier answer is still on the screen. */
  kept?: boolean;
}

/** What happened, what was kept, what to do, and the number to quote. */
export function Refusal({ error, onRetry, kept = false }: RefusalProps) {
  const { say } = useLanguage();
  // What is not a refusal of the API is a fault of ours: the page's error boundary shows it.
  if (!(error instanceof ProblemError)) throw error;
  const { problem, unanswered, passing } = error;
  return (
    <section role="alert" className={styles.refusal}>
      <h2 className={styles.title}>
        <span aria-hidden="true">■</span> {say(happened(error))}
      </h2>
      <p>{unanswered ? say('error.unanswered.detail') : problem.detail || problem.title}</p>
      <p>{say(kept ? 'error.kept' : 'error.nothingLost')}</p>
      <p>{say(passing ? 'error.todo.retry' : 'error.todo.other')}</p>
      {onRetry && passing && (
        <Button size="xs" variant="default" onClick={onRetry}>
          {say('error.retry')}
        </Button>
      )}
      <dl className={styles.ids}>
        <dt>{say('error.trace')}</dt>
        <dd>
          <code>{problem.trace_id}</code>
        </dd>
        {problem.run_id && (
          <>
            <dt>{say('error.run')}</dt>
            <dd>
              <code>{problem.run_id}</code>
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}
