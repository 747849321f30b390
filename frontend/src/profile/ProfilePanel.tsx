import { CloseButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useLanguage } from '../i18n/language';
import type { Search } from '../view/address';
import { Profile, type ProfileProps } from './Profile';
import styles from './ProfilePanel.module.css';

/** The profile beside the map. */
export function ProfilePanel({ onClose, ...props }: ProfileProps & { onClose: () => void }) {
  const { say } = useLanguage();
  const { territoryId, compared } = props;
  return (
    <>
      <div className={styles.bar}>
        <Link
          to="/territorio/$id"
          params={{ id: territoryId }}
          search={({ lang }: Search): Search => ({
            ...(lang && { lang }),
            ...(compared.length > 0 && { with: compared.join(',') }),
          })}
        >
          {say('profile.open')}
        </Link>
        <CloseButton aria-label={say('profile.close')} onClick={onClose} />
      </div>
      <Profile {...props} />
    </>
  );
}
