import type { RunWhole } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import { useWords } from '../words';
import { barsOf, factsOf } from './judge';
import styles from './Run.module.css';

/** What the run did, step by step: when, how long, and what each says of itself. */
export function Timeline({ run }: { run: RunWhole }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const fact = (value: string | number) =>
    typeof value === 'number'
      ? formatNumber(value, Number.isInteger(value) ? 0 : 3, language)
      : value;
  if (run.steps.length === 0) return <p className={styles.none}>{say('run.noSteps')}</p>;
  return (
    <ol className={styles.steps}>
      {barsOf(run).map(({ step, left, width }) => (
        <li key={`${step.started_at}/${step.name}`}>
          <span className={styles.stepName}>
            {step.title ?? words('run.step', step.name)}
            {step.connector && step.connector !== run.job_name && (
              <>
                {' '}
                <code>{step.connector}</code>
              </>
            )}
          </span>
          <span className={styles.track} aria-hidden="true">
            <span style={{ marginLeft: `${left}%`, width: `${width}%` }} />
          </span>
          <span className={styles.stepTime}>
            {step.seconds === undefined
              ? say('run.stepRunning')
              : say('ops.seconds', { count: formatNumber(step.seconds, 2, language) })}
          </span>
          <span className={styles.facts}>
            {step.table && (
              <span>
                {say('run.table')} <code>{step.table}</code>
              </span>
            )}
            {factsOf(step).map(([name, value]) => (
              <span key={name}>
                {words('run.fact', name)}{' '}
                {name === 'source_type' ? words('ops.source', String(value)) : fact(value)}
              </span>
            ))}
          </span>
        </li>
      ))}
    </ol>
  );
}
