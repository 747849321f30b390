import { useLanguage } from '../i18n/language';
import styles from './StateMark.module.css';
import { SHAPE, type State } from './state';

interface StateMarkProps {
  state: State;
  /** What it is called here, where that says more than the state's own word. */
  word?: string;
}

/** A state as shape, word and colour: any two may be lost and it still reads. */
export function StateMark({ state, word }: StateMarkProps) {
  const { say } = useLanguage();
  return (
    <span className={styles.mark} data-state={state}>
      <span aria-hidden="true">{SHAPE[state]}</span> {word ?? say(`state.${state}`)}
    </span>
  );
}
