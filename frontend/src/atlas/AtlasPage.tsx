import { useComputedColorScheme } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { csvBlob } from '../download/csv';
import { compose, pngOf } from '../download/png';
import { fileName, save } from '../download/save';
import { useLanguage } from '../i18n/language';
import { formatNumber, formatQuantity } from '../text/format';
import { type Camera, type Search, searchOf, type View, viewOf } from '../view/address';
import { Pointed, PointedContext } from '../view/pointed';
import styles from './Atlas.module.css';
import { AtlasHead } from './AtlasHead';
import { AtlasRest, type Reading } from './AtlasRest';
import type { Engine } from './engine';
import { mapPlate, mapSheet } from './exports';
import { canDraw, MapCanvas } from './MapCanvas';
import { MapControls } from './MapControls';
import { Neighbourhood } from './neighbours';
import type { Row } from './ranking';
import { placeLabel } from './TerritorySearch';
import {
  type Atlas,
  pictureOf,
  type Question,
  useAtlas,
  useEarlyAsking,
  useNeighbourPeriods,
} from './useAtlas';

const ProfilePanel = lazy(() =>
  import('../profile/ProfilePanel').then(({ ProfilePanel: it }) => ({ default: it })),
);

type Patch = { [Key in keyof View]?: View[Key] | undefined };

/** The view the address asks for, and the one way to change it: through the address. */
function useView() {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const view = useMemo(() => viewOf(search), [search]);
  const change = useCallback(
    (patch: Patch) => {
      void navigate({
        to: '/',
        replace: !('selected' in patch) && !('indicator' in patch),
        resetScroll: false,
        search: (before: Search) => ({
          ...(before.lang && { lang: before.lang }),
          ...searchOf({ ...viewOf(before), ...patch } as View),
        }),
      });
    },
    [navigate],
  );
  return { view, change };
}

/** Says one place in the words of the question asked: for the hover and for the keyboard walk. */
function useTold(atlas: Atlas, question: Question | null) {
  const { say, language } = useLanguage();
  const { rows, values } = atlas;
  const byId = useMemo(() => new Map(rows.map((row) => [row.id, row])), [rows]);
  const hint = useCallback(
    (id: string) => {
      const row = byId.get(id);
      if (!row || !question) return null;
      const { unit, decimals } = question.indicator;
      return {
        name: placeLabel(row),
        value:
          row.value === null
            ? say('table.noData')
            : formatQuantity(row.value, decimals, unit, language),
        note: row.note,
        rank:
          row.rank === null
            ? null
            : say('hover.rank', {
                rank: formatNumber(row.rank, 0, language),
                of: formatNumber(values.byId.size, 0, language),
              }),
      };
    },
    [byId, question, values, say, language],
  );
  const told = (id: string) => {
    const words = hint(id);
    if (!words) return '';
    return [words.name, words.value, words.rank, words.note].filter(Boolean).join(' · ');
  };
  return { hint, told };
}

/** Neighbours are worked out on the first step taken, not for readers who never walk. */
function useNeighbourhood(shapes: Atlas['shapes']) {
  const made = useRef<{ shapes: Atlas['shapes']; map: Neighbourhood } | null>(null);
  return useCallback(() => {
    if (!shapes) return null;
    if (made.current?.shapes !== shapes) made.current = { shapes, map: new Neighbourhood(shapes) };
    return made.current.map;
  }, [shapes]);
}

/** The table's rows as CSV, and the map as it is drawn. */
function useDownloads(atlas: Atlas, engine: Engine | null) {
  const spoken = useLanguage();
  const scheme = useComputedColorScheme('light');
  const { answer, colours, shown } = atlas;
  const csv = useCallback(
    (rows: readonly Row[]) => {
      if (!answer || !shown) return;
      const { indicator, period } = shown;
      const name = fileName([indicator.code, period], 'csv');
      save(name, csvBlob(mapSheet(rows, indicator, answer, spoken)));
    },
    [answer, shown, spoken],
  );
  const png = useMemo(() => {
    if (!engine || !answer || !shown) return undefined;
    const { indicator, period } = shown;
    return async () => {
      const picture = await engine.picture();
      const width = picture.width / devicePixelRatio;
      const plate = mapPlate(picture, width, { indicator, answer, colours, scheme }, spoken);
      save(fileName([indicator.code, period], 'png'), await pngOf(compose(plate)));
    };
  }, [engine, answer, shown, colours, scheme, spoken]);
  return { csv, png };
}

/** What of the address is read beside the map; the same object while that stays the same. */
function useReading({ filter, uf, sort, selected }: View): Reading {
  const { column, descending } = sort;
  return useMemo(
    () => ({ filter, uf, sort: { column, descending }, selected }),
    [filter, uf, column, descending, selected],
  );
}

/**
 * Opening a profile takes the reader there, and closing it brings them back to where they were:
 * without this a keyboard reader would open it and never meet it.
 */
function useProfileFocus(selected: string | undefined, change: (patch: Patch) => void) {
  const aside = useRef<HTMLElement>(null);
  const from = useRef<Element | null>(null);
  const asked = useRef(false);
  const open = useCallback(
    (id: string) => {
      from.current = document.activeElement;
      asked.current = true;
      change({ selected: id, compared: [] });
    },
    [change],
  );
  const close = useCallback(() => {
    change({ selected: undefined, compared: [] });
    if (from.current instanceof HTMLElement) from.current.focus();
  }, [change]);
  useEffect(() => {
    if (!selected || !asked.current) return;
    asked.current = false;
    aside.current?.focus({ preventScroll: true });
    aside.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  return { aside, open, close };
}

/** The map screen: one panel, the map, and beside it the profile of the place chosen. */
export function AtlasPage() {
  const { say } = useLanguage();
  const { view, change } = useView();
  const scheme = useComputedColorScheme('light');
  const atlas = useAtlas(view, scheme);
  const { question } = atlas;
  const [engine, setEngine] = useState<Engine | null>(null);
  const [pointed] = useState(() => new Pointed());
  const [drawable] = useState(canDraw);
  const [drawn, setDrawn] = useState('');
  const asked = question && pictureOf(question.indicator.code, question.period, question.level);
  useNeighbourPeriods(question, !drawable || drawn === asked);
  const askEarly = useEarlyAsking(question);
  const ask = useCallback(
    (patch: Patch) => {
      askEarly(patch.period);
      change(patch);
    },
    [askEarly, change],
  );
  const { hint, told } = useTold(atlas, atlas.shown);
  const neighbourhood = useNeighbourhood(atlas.shapes);
  const reading = useReading(view);
  const { csv, png } = useDownloads(atlas, engine);
  const { selected, compared } = view;
  const chosen = useMemo(() => (selected ? [selected, ...compared] : []), [selected, compared]);
  const moved = useCallback((camera: Camera) => change({ camera }), [change]);
  const { aside, open, close } = useProfileFocus(selected, change);
  const find = useCallback(
    (id: string) => {
      open(id);
      const box = neighbourhood()?.box(id);
      if (box) engine?.show(box);
    },
    [open, neighbourhood, engine],
  );
  const chosenPlace = atlas.places.find(({ id }) => id === selected);

  return (
    <PointedContext value={pointed}>
      <div className={styles.page} data-profile={selected ? true : undefined}>
        <section aria-label={say('map.panel')} className={styles.panelHead}>
          {question && atlas.indicators ? (
            <AtlasHead
              indicators={atlas.indicators}
              question={question}
              shown={atlas.shown}
              asked={view.indicator}
              busy={atlas.busy}
              onChange={ask}
            />
          ) : (
            !atlas.error && <Waiting lines={5} />
          )}
          {atlas.error && (
            <Refusal error={atlas.error} onRetry={atlas.retry} kept={atlas.answer !== undefined} />
          )}
        </section>
        <section aria-label={say('map.title')} className={styles.map}>
          {drawable ? (
            <>
              <MapCanvas
                shapes={atlas.shapes}
                states={atlas.states}
                places={atlas.places}
                fills={atlas.fills}
                picture={atlas.picture}
                scheme={scheme}
                camera={view.camera}
                chosen={chosen}
                hint={hint}
                onEngine={setEngine}
                onSelect={open}
                onMoved={moved}
                onDrawn={setDrawn}
              />
              <p className="visually-hidden">{say('map.closed')}</p>
              <MapControls
                neighbourhood={neighbourhood}
                engine={engine}
                start={selected}
                told={told}
                onOpen={open}
              />
            </>
          ) : (
            <p className={styles.noMap}>{say('map.noWebgl')}</p>
          )}
        </section>
        {selected && (
          <aside
            ref={aside}
            tabIndex={-1}
            className={styles.profile}
            aria-label={say('profile.panel', { name: chosenPlace?.name ?? selected })}
            onKeyDown={(event) => event.key === 'Escape' && close()}
          >
            <Suspense fallback={<Waiting lines={8} />}>
              <ProfilePanel
                territoryId={selected}
                compared={compared}
                places={atlas.places}
                onCompare={(ids) => change({ compared: ids })}
                onClose={close}
              />
            </Suspense>
          </aside>
        )}
        <section aria-label={say('map.reading')} className={styles.panelRest}>
          {atlas.shown && (
            <AtlasRest
              atlas={atlas}
              question={atlas.shown}
              view={reading}
              scheme={scheme}
              onChange={change}
              onOpen={open}
              onFound={find}
              onCsv={csv}
              onPng={png}
            />
          )}
        </section>
      </div>
    </PointedContext>
  );
}
