import { type ComboboxParsedItem, Select } from '@mantine/core';
import type { Indicator } from '../api/types';
import { useLanguage } from '../i18n/language';
import { fold } from '../text/fold';

function grouped(indicators: readonly Indicator[]) {
  const themes = new Map<string, { value: string; label: string }[]>();
  for (const { theme, code, name } of indicators) {
    themes.set(theme, [...(themes.get(theme) ?? []), { value: code, label: name }]);
  }
  return [...themes].map(([group, items]) => ({ group, items }));
}

interface IndicatorPickerProps {
  indicators: readonly Indicator[];
  code: string;
  onPick: (code: string) => void;
}

/** Indicators by theme; typing narrows them, with or without accents, by name or by theme. */
export function IndicatorPicker({ indicators, code, onPick }: IndicatorPickerProps) {
  const { say } = useLanguage();
  const names = new Map(indicators.map(({ code: one, name }) => [one, fold(name)]));
  return (
    <Select
      aria-label={say('indicator.label')}
      placeholder={say('indicator.search')}
      nothingFoundMessage={say('indicator.none')}
      data={grouped(indicators)}
      value={code}
      allowDeselect={false}
      searchable
      selectFirstOptionOnChange
      maxDropdownHeight={360}
      onChange={(next) => next !== null && onPick(next)}
      filter={({ options, search }) => {
        const question = fold(search);
        const answers = ({ value }: { value: string }) =>
          names.get(value)?.includes(question) ?? false;
        return options.flatMap((option): ComboboxParsedItem[] => {
          if (!('group' in option)) return answers(option) ? [option] : [];
          if (fold(String(option.group ?? '')).includes(question)) return [option];
          const items = option.items.filter(answers);
          return items.length > 0 ? [{ ...option, items }] : [];
        });
      }}
    />
  );
}
