import styles from './Command.module.css';
import { CopyButton } from './CopyButton';

/** A command to be run at the terminal, with its copy button. */
export function Command({ text, what }: { text: string; what: string }) {
  return (
    <div className={styles.command}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
