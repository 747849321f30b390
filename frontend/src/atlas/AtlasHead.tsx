import { SegmentedControl } from '@mantine/core';
import type { Indicator, Level } from '../api/types';
import { Late } from '../app/Late';
import { useLanguage } from '../i18n/language';
import { formatPeriod } from '../text/format';
import type { View } from '../view/address';
import styles from './Atlas.module.css';
import { IndicatorPicker } from './IndicatorPicker';
import { PeriodSlider } from './PeriodSlider';
import { isMapped, type Question } from './useAtlas';

interface AtlasHeadProps {
  indicators: readonly Indicator[];
  question: Question;
  /** What is on the screen until the question is answered. */
  shown: Question | null;
  asked: string | undefined;
  busy: boolean;
  onChange: (patch: { [Key in keyof View]?: View[Key] | undefined }) => void;
}

/** What is shown and when: the part of the panel that stays above the map on a narrow screen. */
export function AtlasHead({ indicators, question, shown, asked, busy, onChange }: AtlasHeadProps) {
  const { say, language } = useLanguage();
  const { indicator, period, level } = question;
  const mapped = indicators.filter(isMapped);
  const levels = (['municipality', 'state'] as const).filter((one) =>
    indicator.levels.includes(one),
  );
  return (
    <div className={styles.head}>
      <h1 className={styles.title}>
        {indicator.name}
        <span>
          {formatPeriod(period, language)} · {indicator.unit}
        </span>
      </h1>
      {asked !== undefined && asked !== indicator.code && (
        <p role="status" className={styles.small}>
          ▲ {say('indicator.unknown', { code: asked })}
        </p>
      )}
      {shown && (shown.indicator.code !== indicator.code || shown.period !== period) && (
        <Late>
          <p role="status" className={styles.small}>
            ▲{' '}
            {say('map.still', {
              indicator: shown.indicator.name,
              period: formatPeriod(shown.period, language),
            })}
          </p>
        </Late>
      )}
      <IndicatorPicker
        indicators={mapped}
        code={indicator.code}
        onPick={(code) => onChange({ indicator: code, period: undefined })}
      />
      <PeriodSlider
        periods={indicator.periods}
        period={period}
        busy={busy}
        onChange={(next) => onChange({ period: next })}
      />
      {levels.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={say('level.label')}
          value={level}
          onChange={(next) => onChange({ level: next as Level, selected: undefined })}
          data={levels.map((one) => ({ value: one, label: say(`level.${one}`) }))}
        />
      )}
    </div>
  );
}
