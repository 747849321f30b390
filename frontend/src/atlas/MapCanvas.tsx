import { useMediaQuery } from '@mantine/hooks';
import { useEffect, useEffectEvent, useMemo, useRef, useState } from 'react';
import type { Shapes } from '../api/queries';
import { type Say, useLanguage } from '../i18n/language';
import type { Camera } from '../view/address';
import { usePointed } from '../view/pointed';
import type { Engine } from './engine';
import styles from './MapCanvas.module.css';
import { namePoint } from './neighbours';
import { GROUND, type Scheme } from './palette';
import type { Place } from './ranking';
import type { Label } from './style';

/** What the map says of the place pointed at. */
export interface Hint {
  name: string;
  value: string;
  rank: string | null;
  note: string | null;
}

interface MapCanvasProps {
  shapes: Shapes | undefined;
  states: Shapes | undefined;
  places: readonly Place[];
  fills: ReadonlyMap<string, string>;
  /** Names what the fills show; comes back in `data-drawn` once it is on the screen. */
  picture: string;
  scheme: Scheme;
  camera: Camera | undefined;
  chosen: readonly string[];
  hint: (id: string) => Hint | null;
  onEngine: (engine: Engine | null) => void;
  onSelect: (id: string) => void;
  onMoved: (camera: Camera) => void;
  onDrawn: (picture: string) => void;
}

/** Whether this browser can draw the map at all. */
export function canDraw(): boolean {
  return document.createElement('canvas').getContext('webgl2') !== null;
}

/** What MapLibre itself says, in the reader's language. */
function localeOf(say: Say): Record<string, string> {
  return {
    'CooperativeGesturesHandler.MobileHelpText': say('map.cooperative'),
    'CooperativeGesturesHandler.WindowsHelpText': say('map.cooperative.windows'),
    'CooperativeGesturesHandler.MacHelpText': say('map.cooperative.mac'),
  };
}

function labelsOf(shapes: Shapes | undefined, nameOf: ReadonlyMap<string, string>): Label[] {
  return (shapes?.features ?? []).flatMap((shape) => {
    const text = nameOf.get(shape.properties.id);
    if (text === undefined) return [];
    const [lng, lat] = namePoint(shape);
    return [{ text, lng, lat }];
  });
}

const UF_OF_CODE: ReadonlyMap<string, string> = new Map(
  (
    '11RO12AC13AM14RR15PA16AP17TO21MA22PI23CE24RN25PB26PE27AL28SE29BA31MG32ES33RJ35SP' +
    '41PR42SC43RS50MS51MT52GO53DF'
  )
    .match(/..../g)
    ?.map((pair) => [pair.slice(0, 2), pair.slice(2)]) ?? [],
);

function useEngine(props: MapCanvasProps, container: React.RefObject<HTMLDivElement | null>) {
  const { scheme, onEngine } = props;
  const { say } = useLanguage();
  const { pointed } = usePointed();
  const [engine, setEngine] = useState<Engine | null>(null);
  const [at, setAt] = useState({ x: 0, y: 0 });
  const narrow = useMediaQuery('(max-width: 62em)', false, { getInitialValueInEffect: false });
  const start = useEffectEvent((create: typeof import('./engine').createEngine) => {
    if (!container.current) return null;
    return create({
      container: container.current,
      ground: GROUND[scheme],
      camera: props.camera,
      locale: localeOf(say),
      onPoint: (id, x, y) => {
        pointed.point(id, 'map');
        setAt({ x, y });
      },
      onSelect: (id) => props.onSelect(id),
      onMoved: (camera) => props.onMoved(camera),
      onDrawn: (picture) => {
        if (container.current) container.current.dataset.drawn = picture;
        props.onDrawn(picture);
      },
    });
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another scheme is another map
  useEffect(() => {
    let made: Engine | null = null;
    let gone = false;
    void import('./engine').then(({ createEngine }) => {
      if (gone) return;
      made = start(createEngine);
      setEngine(made);
      onEngine(made);
    });
    return () => {
      gone = true;
      made?.destroy();
      setEngine(null);
      onEngine(null);
    };
  }, [scheme, onEngine]);
  useEffect(() => {
    engine?.setCooperative(narrow);
  }, [engine, narrow]);
  return { engine, at };
}

/** Draws fills on shapes. Closed to screen readers: the table says the same. */
export function MapCanvas(props: MapCanvasProps) {
  const { shapes, states, places, fills, picture, chosen, hint } = props;
  const container = useRef<HTMLDivElement>(null);
  const { engine, at } = useEngine(props, container);
  const { id: pointedId, pointed } = usePointed();
  const names = useMemo(() => new Map(places.map(({ id, name }) => [id, name])), [places]);

  useEffect(() => {
    if (shapes) void engine?.setShapes(shapes);
  }, [engine, shapes]);
  useEffect(() => {
    if (states) void engine?.setStates(states, labelsOf(states, UF_OF_CODE));
  }, [engine, states]);
  useEffect(() => {
    if (shapes) void engine?.setNames(labelsOf(shapes, names));
  }, [engine, shapes, names]);
  useEffect(() => {
    void engine?.setFills(fills, picture);
  }, [engine, fills, picture]);
  useEffect(() => {
    // A mark needs its shape to be there.
    if (shapes) void engine?.setMarks({ pointed: pointedId, chosen });
  }, [engine, pointedId, chosen, shapes]);

  const told = pointedId !== null && pointed.source !== 'table' ? hint(pointedId) : null;
  return (
    <div aria-hidden="true" className={styles.closed}>
      <div
        ref={container}
        className={styles.canvas}
        data-testid="map"
        data-pointed={pointedId ?? undefined}
        data-chosen={chosen.join(',') || undefined}
      />
      {told && pointed.source === 'map' && (
        <div className={styles.hint} style={{ left: at.x, top: at.y }}>
          <strong>{told.name}</strong>
          <span>{told.value}</span>
          {told.rank && <small>{told.rank}</small>}
          {told.note && <small>▲ {told.note}</small>}
        </div>
      )}
    </div>
  );
}
