import { type ComboboxItem, Select } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useLanguage } from '../i18n/language';
import { type Place, searchPlaces } from './ranking';

const MOST_SHOWN = 30;

export function placeLabel(place: Pick<Place, 'name' | 'uf'>): string {
  return `${place.name} — ${place.uf}`;
}

interface TerritorySearchProps {
  label: string;
  places: readonly Place[];
  onFound: (id: string) => void;
}

/** Finds a municipality by name, forgiving accents, telling equal names apart by UF. */
export function TerritorySearch({ label, places, onFound }: TerritorySearchProps) {
  const { say } = useLanguage();
  const [text, setText] = useState('');
  const found = useMemo(() => searchPlaces(places, text, MOST_SHOWN), [places, text]);
  return (
    <Select
      aria-label={label}
      placeholder={`${label}: ${say('search.placeholder')}`}
      nothingFoundMessage={text.trim() === '' ? null : say('search.none')}
      data={found.map((place) => ({ value: place.id, label: placeLabel(place) }))}
      // The list is already the answer, best first: Mantine must neither filter nor reorder it.
      filter={({ options }) => options as ComboboxItem[]}
      value={null}
      searchable
      searchValue={text}
      onSearchChange={setText}
      selectFirstOptionOnChange
      rightSection={null}
      onChange={(id) => {
        if (id === null) return;
        setText('');
        onFound(id);
      }}
    />
  );
}
