import { ActionIcon } from '@mantine/core';
import { useReducedMotion } from '@mantine/hooks';
import { useEffect, useId, useState } from 'react';
import { useLanguage } from '../i18n/language';
import { formatPeriod } from '../text/format';
import styles from './PeriodSlider.module.css';

const STEP_MS = 900;

interface PeriodSliderProps {
  periods: readonly string[];
  period: string;
  /** While the next picture is on its way, playing waits for it. */
  busy: boolean;
  onChange: (period: string) => void;
}

function usePlay(props: PeriodSliderProps, position: number) {
  const { periods, busy, onChange } = props;
  const [playing, setPlaying] = useState(false);
  const last = periods.length - 1;
  useEffect(() => {
    if (!playing || busy) return;
    const next = periods[position + 1];
    if (next === undefined) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => onChange(next), STEP_MS);
    return () => clearTimeout(timer);
  }, [playing, busy, periods, position, onChange]);
  const toggle = () => {
    const first = periods[0];
    if (!playing && position === last && first !== undefined) onChange(first);
    setPlaying(!playing);
  };
  return { playing, toggle, stop: () => setPlaying(false) };
}

/** Walks the periods. Readers who asked for less motion get the steps without the playing. */
export function PeriodSlider(props: PeriodSliderProps) {
  const { periods, period, onChange } = props;
  const { say, language } = useLanguage();
  const still = useReducedMotion();
  const id = useId();
  const position = Math.max(0, periods.indexOf(period));
  const last = periods.length - 1;
  const { playing, toggle, stop } = usePlay(props, position);
  const go = (index: number) => {
    const next = periods[index];
    stop();
    if (next !== undefined && next !== period) onChange(next);
  };
  const name = (text: string | undefined) => formatPeriod(text ?? '', language);
  if (last < 1) {
    return (
      <p className={styles.only}>
        {say('period.only')}: <strong>{name(period)}</strong>
      </p>
    );
  }
  return (
    <div className={styles.slider}>
      <label htmlFor={id} className={styles.label}>
        {say('period.label')}
        <span className={styles.span}>
          {name(periods[0])} – {name(periods[last])}
        </span>
        <output className={styles.now}>{name(period)}</output>
      </label>
      <div className={styles.row}>
        {!still && (
          <ActionIcon
            variant="filled"
            size="md"
            aria-label={say(playing ? 'period.pause' : 'period.play')}
            onClick={toggle}
          >
            <span aria-hidden="true">{playing ? '❚❚' : '▶'}</span>
          </ActionIcon>
        )}
        <ActionIcon
          variant="default"
          size="md"
          aria-label={say('period.previous')}
          disabled={position === 0}
          onClick={() => go(position - 1)}
        >
          <span aria-hidden="true">‹</span>
        </ActionIcon>
        <div className={styles.track}>
          <input
            id={id}
            type="range"
            min={0}
            max={last}
            step={1}
            value={position}
            aria-valuetext={name(period)}
            onChange={(event) => go(Number(event.currentTarget.value))}
          />
        </div>
        <ActionIcon
          variant="default"
          size="md"
          aria-label={say('period.next')}
          disabled={position === last}
          onClick={() => go(position + 1)}
        >
          <span aria-hidden="true">›</span>
        </ActionIcon>
      </div>
    </div>
  );
}
