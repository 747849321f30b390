import { TextInput } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import styles from './Bar.module.css';

interface FilterTextProps {
  label: ReactNode;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

const PAUSE_MS = 300;

/** A filter that is typed: what it asks goes out when the typing pauses. */
export function FilterText({ label, value = '', onChange }: FilterTextProps) {
  const [typed, setTyped] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const sent = useRef(value);
  // The address may change by itself: going back, or clearing all filters.
  useEffect(() => {
    if (value !== sent.current) {
      sent.current = value;
      setTyped(value);
    }
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <TextInput
      className={styles.field}
      size="xs"
      label={label}
      value={typed}
      onChange={({ currentTarget: { value: next } }) => {
        setTyped(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => {
          sent.current = next.trim();
          onChange(next.trim() || undefined);
        }, PAUSE_MS);
      }}
    />
  );
}
