import { NativeSelect, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { memo, useMemo } from 'react';
import type { Indicator } from '../api/types';
import { DownloadMenu } from '../download/DownloadMenu';
import { useLanguage } from '../i18n/language';
import { formatNumber, formatPeriod } from '../text/format';
import type { View } from '../view/address';
import styles from './Atlas.module.css';
import { Freshness } from './Freshness';
import { Legend } from './Legend';
import type { Scheme } from './palette';
import { filterRows, type Row, sortRows } from './ranking';
import { placeLabel, TerritorySearch } from './TerritorySearch';
import { TerritoryTable } from './TerritoryTable';
import type { Atlas, Question } from './useAtlas';

/** What of the address decides what is read beside the map. */
export type Reading = Pick<View, 'sort'> & {
  [Key in 'filter' | 'uf' | 'selected']: View[Key] | undefined;
};

interface AtlasRestProps {
  atlas: Atlas;
  question: Question;
  view: Reading;
  scheme: Scheme;
  onChange: (patch: { [Key in keyof View]?: View[Key] | undefined }) => void;
  onOpen: (id: string) => void;
  onFound: (id: string) => void;
  onCsv: (rows: readonly Row[]) => void;
  onPng: (() => void) | undefined;
}

function NoMesh({ atlas, onOpen }: { atlas: Atlas; onOpen: (id: string) => void }) {
  const { say } = useLanguage();
  const missing = atlas.places.filter((place) => !place.hasMesh);
  if (missing.length === 0) return null;
  return (
    <details className={styles.noMesh}>
      <summary>{say('noMesh.title', { count: missing.length })}</summary>
      <p>{say('noMesh.why')}</p>
      <ul>
        {missing.map((place) => (
          <li key={place.id}>
            <button type="button" onClick={() => onOpen(place.id)}>
              {placeLabel(place)}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Indicators the map cannot show, so that nobody looks for them in vain. */
function NotOnTheMap({ indicators }: { indicators: readonly Indicator[] }) {
  const { say } = useLanguage();
  const national = indicators.filter(({ levels }) => levels.every((level) => level === 'country'));
  const empty = indicators.filter(({ periods }) => periods.length === 0);
  const names = (list: readonly Indicator[]) => list.map(({ name }) => name).join(', ');
  return (
    <>
      {national.length > 0 && (
        <p className={styles.small}>
          {say('indicator.nationalOnly', { names: names(national) })}{' '}
          <Link to="/territorio/$id" params={{ id: 'BR' }}>
            {say('indicator.nationalLink')}
          </Link>
        </p>
      )}
      {empty.length > 0 && (
        <p className={styles.small}>{say('indicator.empty', { names: names(empty) })}</p>
      )}
    </>
  );
}

/** What the colours mean, how far to trust them, and the same data as a table. */
export const AtlasRest = memo(function AtlasRest(props: AtlasRestProps) {
  const { atlas, question, view, scheme, onChange, onOpen, onFound, onCsv, onPng } = props;
  const { say, language } = useLanguage();
  const { indicator, period, level } = question;
  const { rows, values, answer } = atlas;
  const isState = level === 'state';
  const ufs = useMemo(() => [...new Set(rows.map(({ uf }) => uf))].sort(), [rows]);
  const shown = useMemo(
    () => sortRows(filterRows(rows, view.filter ?? '', view.uf), view.sort),
    [rows, view.filter, view.uf, view.sort],
  );
  const drawn = rows.filter(({ hasMesh }) => hasMesh).length;
  const counted = say(isState ? 'fresh.countStates' : 'fresh.count', {
    count: formatNumber(values.byId.size, 0, language),
    total: formatNumber(rows.length, 0, language),
  });
  const named = { indicator: indicator.name, period: formatPeriod(period, language) };
  return (
    <div className={styles.rest}>
      <Legend
        indicator={indicator}
        colours={atlas.colours}
        values={values.byId}
        total={drawn}
        scheme={scheme}
      />
      <Freshness indicator={indicator} source={answer?.source} counted={counted} />
      <TerritorySearch label={say('search.label')} places={atlas.places} onFound={onFound} />
      <section aria-label={say('table.title')} className={styles.twin}>
        <div className={styles.tools}>
          <TextInput
            size="xs"
            aria-label={say('table.filter')}
            placeholder={say('table.filter')}
            value={view.filter ?? ''}
            onChange={(event) => onChange({ filter: event.currentTarget.value || undefined })}
          />
          <NativeSelect
            size="xs"
            aria-label={say('table.uf')}
            value={view.uf ?? ''}
            onChange={(event) => onChange({ uf: event.currentTarget.value || undefined })}
            data={[
              { value: '', label: `${say('table.uf')}: ${say('table.ufAll')}` },
              ...ufs.map((uf) => ({ value: uf, label: uf })),
            ]}
          />
          <DownloadMenu onCsv={() => onCsv(shown)} onPng={onPng} />
        </div>
        <TerritoryTable
          rows={shown}
          caption={say(isState ? 'table.captionStates' : 'table.caption', named)}
          unit={indicator.unit}
          decimals={indicator.decimals}
          nameLabel={say(isState ? 'table.nameState' : 'table.name')}
          indicator={indicator.code}
          period={period}
          sort={view.sort}
          selected={view.selected}
          onSort={(sort) => onChange({ sort })}
          onOpen={onOpen}
        />
        <p role="status" className={styles.small}>
          {say('table.count', { count: formatNumber(shown.length, 0, language) })}
        </p>
        {!isState && <NoMesh atlas={atlas} onOpen={onOpen} />}
        <NotOnTheMap indicators={atlas.indicators ?? []} />
      </section>
    </div>
  );
});
