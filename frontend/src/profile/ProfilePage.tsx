import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { territoryIndexQuery } from '../api/queries';
import { placesOf } from '../atlas/ranking';
import { TerritorySearch } from '../atlas/TerritorySearch';
import { useLanguage } from '../i18n/language';
import { type Search, territoriesOf } from '../view/address';
import { Profile } from './Profile';
import styles from './ProfilePage.module.css';

/** One territory on a page of its own, at an address of its own. */
export function ProfilePage() {
  const { say } = useLanguage();
  const { id } = useParams({ from: '/territorio/$id' });
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const index = useQuery(territoryIndexQuery('municipality'));
  const places = useMemo(() => (index.data ? placesOf(index.data) : []), [index.data]);
  const compared = useMemo(() => territoriesOf(search.with), [search.with]);
  const keep = ({ lang }: Search): Search => (lang ? { lang } : {});
  const go = (territory: string, others: readonly string[]) =>
    void navigate({
      to: '/territorio/$id',
      params: { id: territory },
      resetScroll: territory !== id,
      replace: territory === id,
      search: (before: Search) => ({
        ...keep(before),
        ...(others.length > 0 && { with: others.join(',') }),
      }),
    });
  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">{say('profile.title')}</h1>
      <div className={styles.bar}>
        <TerritorySearch
          label={say('search.label')}
          places={places}
          onFound={(next) => go(next, [])}
        />
        {id.length === 7 && (
          <Link to="/" search={(before: Search): Search => ({ ...keep(before), selected: id })}>
            {say('profile.onMap')}
          </Link>
        )}
      </div>
      <Profile
        territoryId={id}
        compared={compared}
        places={places}
        onCompare={(others) => go(id, others)}
      />
    </div>
  );
}
