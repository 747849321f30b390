import { useQuery } from '@tanstack/react-query';
import { runLogQuery } from '../../api/watchQueries';
import type { LogLine, RunWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { Command } from '../Command';
import styles from './Run.module.css';

const GRAVE = new Set(['WARNING', 'ERROR', 'CRITICAL', 'FATAL']);

function timeOf({ ts }: LogLine, language: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: 'medium' }).format(new Date(ts));
}

/** What was logged under the run's trace, the oldest first. */
export function Log({ run }: { run: RunWhole }) {
  const { say, language } = useLanguage();
  const { data, error, refetch } = useQuery(runLogQuery(run.run_id));
  return (
    <>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={3} />}
      {data?.items.length === 0 && <p className={styles.none}>{say('run.noLog')}</p>}
      {data && data.items.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable
        <section className={styles.log} tabIndex={0} aria-label={say('run.log')}>
          {data.items.map((line, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name and only grow
            <p key={at} data-grave={GRAVE.has(line.level) || undefined}>
              {timeOf(line, language)} {line.level} {line.service} {line.message}
            </p>
          ))}
        </section>
      )}
      {run.trace_id && (
        <Command
          text={`.venv/bin/atalaia logs --trace ${run.trace_id}`}
          what={say('run.log.command')}
        />
      )}
    </>
  );
}
