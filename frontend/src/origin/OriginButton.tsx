import { useLanguage } from '../i18n/language';
import styles from './OriginButton.module.css';
import { type OriginQuestion, useOrigin } from './origin';

interface OriginButtonProps extends OriginQuestion {
  /** Only the mark, for a cell of a table; its words are in the label. */
  compact?: boolean;
  tabIndex?: number;
}

/** The way back of one number. */
export function OriginButton({ uri, what, compact = false, tabIndex }: OriginButtonProps) {
  const { say } = useLanguage();
  const open = useOrigin();
  return (
    <button
      type="button"
      className={compact ? styles.mark : styles.words}
      aria-label={say('origin.button.of', { what })}
      title={say('origin.button')}
      tabIndex={tabIndex}
      onClick={(event) => {
        event.stopPropagation();
        open({ uri, what });
      }}
    >
      {compact ? <span aria-hidden="true">↩</span> : say('origin.button')}
    </button>
  );
}
