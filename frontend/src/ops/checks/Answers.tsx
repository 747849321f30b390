import type { Check } from '../../api/types';
import { useLanguage } from '../../i18n/language';
import { StateMark } from '../StateMark';
import { bySeverity, reasonOf, stateOfCheck } from '../state';
import styles from './Checks.module.css';
import { Samples } from './Samples';
import { samplesOf, todoOf, useFigure } from './said';

/** What checks answered, the worst first, each with the rows that failed it. */
export function Answers({ checks }: { checks: readonly Check[] }) {
  const { say } = useLanguage();
  const figure = useFigure();
  const worst = [...checks].sort((a, b) => bySeverity(stateOfCheck(a), stateOfCheck(b)));
  if (checks.length === 0) return <p className={styles.none}>{say('check.none')}</p>;
  return (
    <ul className={styles.answers}>
      {worst.map((check) => (
        <li key={check.check_id} data-state={stateOfCheck(check)}>
          <p>
            <StateMark state={stateOfCheck(check)} /> <code>{check.check_name}</code>{' '}
            {check.subject}
          </p>
          <p className={styles.figures}>
            {say('check.figures', {
              observed: figure(check.observed),
              threshold: figure(check.threshold),
            })}
          </p>
          {reasonOf(check) && <p>{reasonOf(check)}</p>}
          {todoOf(check) && <p>{say('check.todo', { todo: todoOf(check) })}</p>}
          <Samples samples={samplesOf(check)} of={check.check_name} />
        </li>
      ))}
    </ul>
  );
}
