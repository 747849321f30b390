import { useLanguage } from '../i18n/language';
import styles from './StateMark.module.css';
import { SHAPE, type State } from './state';

/** A state as shape, word and colour: any two may be lost and it still reads. */
export function StateMark({ state }: { state: State }) {
  const { say } = useLanguage();
  return (
    <span className={styles.mark} data-state={state}>
      <span aria-hidden="true">{SHAPE[state]}</span> {say(`state.${state}`)}
    </span>
  );
}
