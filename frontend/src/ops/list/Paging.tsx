import { Button } from '@mantine/core';
import { useLanguage } from '../../i18n/language';
import styles from './Bar.module.css';

interface PagingProps {
  /** How much of what is shown. */
  text: string;
  onPrevious?: (() => void) | undefined;
  onNext?: (() => void) | undefined;
}

/** Where in the list this page is, and the ways on. */
export function Paging({ text, onPrevious, onNext }: PagingProps) {
  const { say } = useLanguage();
  return (
    <nav className={styles.paging} aria-label={say('list.pages')}>
      <span role="status">{text}</span>
      <Button size="compact-sm" variant="default" disabled={!onPrevious} onClick={onPrevious}>
        {say('list.previous')}
      </Button>
      <Button size="compact-sm" variant="default" disabled={!onNext} onClick={onNext}>
        {say('list.next')}
      </Button>
    </nav>
  );
}
