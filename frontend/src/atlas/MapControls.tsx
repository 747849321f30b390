import { ActionIcon } from '@mantine/core';
import { type KeyboardEvent, useContext, useState } from 'react';
import { useLanguage } from '../i18n/language';
import { PointedContext } from '../view/pointed';
import type { Engine } from './engine';
import styles from './MapControls.module.css';
import type { Direction, Neighbourhood } from './neighbours';

const DIRECTIONS: Record<string, Direction> = {
  ArrowUp: 'north',
  ArrowDown: 'south',
  ArrowRight: 'east',
  ArrowLeft: 'west',
};

interface WalkProps {
  neighbourhood: () => Neighbourhood | null;
  engine: Engine | null;
  start: string | undefined;
  told: (id: string) => string;
  onOpen: (id: string) => void;
}

/** Walks from neighbour to neighbour with the arrow keys, saying where it stands. */
function Walk({ neighbourhood, engine, start, told, onOpen }: WalkProps) {
  const { say } = useLanguage();
  const pointed = useContext(PointedContext);
  const [here, setHere] = useState<string | null>(null);

  const stepFrom = (from: string | null, direction: Direction): string | null => {
    const map = neighbourhood();
    if (!map) return null;
    if (from !== null) return map.step(from, direction) ?? from;
    const camera = engine?.camera();
    return map.closest(camera?.lng ?? -47.9, camera?.lat ?? -15.8);
  };
  const walk = (event: KeyboardEvent) => {
    const from = here ?? start ?? null;
    if (event.key === 'Enter' && from !== null) {
      event.preventDefault();
      onOpen(from);
      return;
    }
    const direction = DIRECTIONS[event.key];
    if (!direction) return;
    event.preventDefault();
    const next = stepFrom(from, direction);
    if (next === null) return;
    setHere(next);
    pointed.point(next, 'walk');
    const box = neighbourhood()?.box(next);
    if (box) engine?.show(box);
  };
  return (
    <div
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the widget takes the arrow keys
      tabIndex={0}
      aria-label={say('map.walk')}
      title={say('map.walk.hint')}
      className={styles.walk}
      onKeyDown={walk}
      onBlur={() => pointed.point(null, 'walk')}
    >
      <span aria-hidden="true">✥</span> {say('map.walk.short')}
      <span role="status" className={styles.here}>
        {here === null ? '' : told(here)}
      </span>
    </div>
  );
}

/** What moves the map, outside the map itself, which is closed to keyboard and screen reader. */
export function MapControls(props: WalkProps) {
  const { engine } = props;
  const { say } = useLanguage();
  return (
    <div className={styles.controls}>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={say('map.zoomIn')}
        onClick={() => engine?.zoomBy(1)}
      >
        <span aria-hidden="true">+</span>
      </ActionIcon>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={say('map.zoomOut')}
        onClick={() => engine?.zoomBy(-1)}
      >
        <span aria-hidden="true">−</span>
      </ActionIcon>
      <ActionIcon
        variant="default"
        size="lg"
        aria-label={say('map.showAll')}
        onClick={() => engine?.showAll()}
      >
        <span aria-hidden="true">⤢</span>
      </ActionIcon>
      <Walk {...props} />
    </div>
  );
}
