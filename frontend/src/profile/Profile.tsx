import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { indicatorsQuery, profileQuery } from '../api/queries';
import type { MissingNumber, Profile as ProfileAnswer, ProfileIndicator } from '../api/types';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import type { Place } from '../atlas/ranking';
import { useLanguage } from '../i18n/language';
import { ComparePicker } from './ComparePicker';
import { IndicatorCard } from './IndicatorCard';
import styles from './Profile.module.css';

function byTheme(numbers: readonly ProfileIndicator[]): [string, ProfileIndicator[]][] {
  const themes = new Map<string, ProfileIndicator[]>();
  for (const number of numbers) {
    themes.set(number.theme, [...(themes.get(number.theme) ?? []), number]);
  }
  return [...themes];
}

/** Every hole with its reason and, in three possible words, whose it is. */
function Missing({ missing }: { missing: readonly MissingNumber[] }) {
  const { say } = useLanguage();
  return (
    <section className={styles.missing}>
      <h3>{say('profile.missing')}</h3>
      {missing.length === 0 ? (
        <p>{say('profile.missing.none')}</p>
      ) : (
        <ul>
          {missing.map(({ code, name, reason, verdict }) => (
            <li key={code}>
              <strong lang="pt-BR">{name}</strong>
              {verdict && <em> — {say(`verdict.${verdict}`)}</em>}
              <br />
              <span lang="pt-BR">{reason}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Identity({ territory, headline }: Pick<ProfileAnswer, 'territory' | 'headline'>) {
  const { say } = useLanguage();
  const { name, uf, territory_id, has_mesh, level } = territory;
  return (
    <>
      <h2 className={styles.name}>
        {name}
        {uf && level === 'municipality' && <span>, {uf}</span>}
      </h2>
      <p className={styles.code}>{say('profile.code', { code: territory_id })}</p>
      <p className={styles.headline} lang="pt-BR">
        {headline}
      </p>
      {!has_mesh && level === 'municipality' && (
        <p className={styles.note}>▲ {say('profile.noMesh')}</p>
      )}
    </>
  );
}

export interface ProfileProps {
  territoryId: string;
  compared: readonly string[];
  places: readonly Place[];
  onCompare: (ids: string[]) => void;
}

/** A territory in words, then in small charts by theme, then what is missing and why. */
export function Profile({ territoryId, compared, places, onCompare }: ProfileProps) {
  const { say } = useLanguage();
  const profile = useQuery(profileQuery(territoryId));
  const catalogue = useQuery(indicatorsQuery);
  const about = useMemo(
    () => new Map((catalogue.data?.items ?? []).map((one) => [one.code, one])),
    [catalogue.data],
  );
  if (profile.error)
    return <Refusal error={profile.error} onRetry={() => void profile.refetch()} />;
  if (!profile.data) return <Waiting lines={10} />;
  const { territory, headline, indicators, missing } = profile.data;
  const first = indicators[0];
  return (
    <>
      <Identity territory={territory} headline={headline} />
      {territory.level === 'municipality' && (
        <ComparePicker
          territory={territory}
          peersBy={first}
          compared={compared}
          places={places}
          onCompare={onCompare}
        />
      )}
      {indicators.length > 0 && <p className={styles.note}>{say('chart.grey')}</p>}
      {byTheme(indicators).map(([theme, numbers]) => (
        <section key={theme} className={styles.theme} aria-label={theme}>
          <h3 lang="pt-BR">{theme}</h3>
          <div className={styles.multiples}>
            {numbers.map((number) => (
              <IndicatorCard
                key={`${territoryId}/${number.code}`}
                territory={territory}
                number={number}
                about={about.get(number.code)}
                compared={compared}
              />
            ))}
          </div>
        </section>
      ))}
      <Missing missing={missing} />
    </>
  );
}
