import { useLanguage } from '../i18n/language';
import { type MessageKey, ptBR } from '../i18n/pt-BR';

/** A value of the wire in words; one this version does not know is shown as it came. */
export function useWords() {
  const { say } = useLanguage();
  return (prefix: string, value: string | null | undefined): string => {
    const key = `${prefix}.${value}`;
    return key in ptBR ? (say as (key: MessageKey) => string)(key as MessageKey) : (value ?? '—');
  };
}
