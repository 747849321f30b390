import { Button, Pill } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { peersQuery } from '../api/queries';
import type { ProfileIndicator, Territory } from '../api/types';
import type { Place } from '../atlas/ranking';
import { placeLabel, TerritorySearch } from '../atlas/TerritorySearch';
import { useLanguage } from '../i18n/language';
import { MOST_COMPARED } from '../view/address';
import styles from './ComparePicker.module.css';

interface ComparePickerProps {
  territory: Territory;
  /** The number peers are chosen by. */
  peersBy: ProfileIndicator | undefined;
  compared: readonly string[];
  places: readonly Place[];
  onCompare: (ids: string[]) => void;
}

function Peers({ territory, peersBy, compared, onCompare }: Omit<ComparePickerProps, 'places'>) {
  const { say } = useLanguage();
  const { data } = useQuery({
    ...peersQuery(
      territory.territory_id,
      peersBy?.code ?? '',
      peersBy?.period ?? '',
      MOST_COMPARED,
    ),
    enabled: peersBy !== undefined,
  });
  if (!data || data.items.length === 0) return null;
  const ids = data.items.map(({ territory_id }) => territory_id).slice(0, MOST_COMPARED);
  const same = ids.every((id) => compared.includes(id));
  return (
    <div className={styles.peers}>
      <p lang="pt-BR">{say('profile.peers.rule', { rule: data.rule })}</p>
      {!same && (
        <Button size="compact-xs" variant="default" onClick={() => onCompare(ids)}>
          {say('profile.peers.use')}
        </Button>
      )}
    </div>
  );
}

/** Sets other municipalities beside this one, on every chart at once. */
export function ComparePicker(props: ComparePickerProps) {
  const { territory, compared, places, onCompare } = props;
  const { say } = useLanguage();
  const nameOf = (id: string) => {
    const place = places.find((one) => one.id === id);
    return place ? placeLabel(place) : id;
  };
  return (
    <section aria-label={say('profile.compare')} className={styles.compare}>
      {compared.length < MOST_COMPARED ? (
        <TerritorySearch
          label={say('profile.compare')}
          places={places.filter(
            ({ id }) => id !== territory.territory_id && !compared.includes(id),
          )}
          onFound={(id) => onCompare([...compared, id])}
        />
      ) : (
        <p className={styles.full}>{say('profile.compare.full', { count: MOST_COMPARED })}</p>
      )}
      {compared.length > 0 && (
        <ul className={styles.chosen}>
          {compared.map((id) => (
            <li key={id}>
              <Pill
                size="md"
                withRemoveButton
                removeButtonProps={{
                  'aria-label': say('profile.compare.remove', { name: nameOf(id) }),
                  'aria-hidden': false,
                  tabIndex: 0,
                }}
                onRemove={() => onCompare(compared.filter((one) => one !== id))}
              >
                {nameOf(id)}
              </Pill>
            </li>
          ))}
        </ul>
      )}
      <Peers {...props} />
    </section>
  );
}
