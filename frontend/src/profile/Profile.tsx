import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { profileQuery } from '../api/queries';
import type {
  Indicator,
  MissingNumber,
  Profile as ProfileAnswer,
  ProfileIndicator,
} from '../api/types';
import { useIndicators } from '../api/useIndicators';
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

/** The number under the names the reader's language has for it. */
function named<T extends MissingNumber | ProfileIndicator>(
  one: T,
  about: Indicator | undefined,
): T {
  if (!about) return one;
  const { name, unit, theme, source } = about;
  return 'unit' in one ? { ...one, name, unit, theme, source } : { ...one, name };
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
              <strong>{name}</strong>
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
  const catalogue = useIndicators();
  const about = useMemo(
    () => new Map((catalogue.data ?? []).map((one) => [one.code, one])),
    [catalogue.data],
  );
  const failed = [profile, catalogue].find(({ error }) => error);
  if (failed?.error) return <Refusal error={failed.error} onRetry={() => void failed.refetch()} />;
  if (!profile.data || !catalogue.data) return <Waiting lines={10} />;
  const { territory, headline } = profile.data;
  // What the catalogue does not know, nobody said how to show.
  const indicators = profile.data.indicators
    .filter(({ code }) => about.has(code))
    .map((one) => named(one, about.get(one.code)));
  const missing = profile.data.missing.map((one) => named(one, about.get(one.code)));
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
      {territory.level === 'municipality' && indicators.length > 0 && (
        <p className={styles.note}>{say('chart.grey')}</p>
      )}
      {byTheme(indicators).map(([theme, numbers]) => (
        <section key={theme} className={styles.theme} aria-label={theme}>
          <h3>{theme}</h3>
          <div className={styles.multiples}>
            {numbers.map((number) => {
              const known = about.get(number.code);
              return (
                known && (
                  <IndicatorCard
                    key={`${territoryId}/${number.code}`}
                    territory={territory}
                    number={number}
                    about={known}
                    dataVersion={profile.data.data_version}
                    compared={compared}
                  />
                )
              );
            })}
          </div>
        </section>
      ))}
      <Missing missing={missing} />
    </>
  );
}
