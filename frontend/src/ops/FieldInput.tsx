import { NativeSelect, Textarea, TextInput } from '@mantine/core';
import type { ChangeEvent } from 'react';
import type { Field } from './fields';

type Typed = ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>;

const MOST_WORDS = 2000;

/** One field of a decision. */
export function FieldInput(props: {
  field: Field;
  value: string;
  error: string | undefined;
  first: boolean;
  onChange: (value: string) => void;
}) {
  const { field, value, error, first, onChange } = props;
  const common = {
    label: field.label,
    description: field.help,
    required: field.required ?? false,
    error,
    value,
    onChange: ({ currentTarget }: Typed) => onChange(currentTarget.value),
    ...(first && { 'data-autofocus': true }),
  };
  switch (field.kind ?? 'line') {
    case 'choice':
      return (
        <NativeSelect
          {...common}
          data={(field.options ?? []).map(([option, label]) => ({ value: option, label }))}
        />
      );
    case 'text':
      return <Textarea {...common} rows={3} maxLength={field.most ?? MOST_WORDS} />;
    case 'moment':
      return <TextInput {...common} type="datetime-local" />;
    default:
      return <TextInput {...common} maxLength={field.most ?? MOST_WORDS} />;
  }
}
