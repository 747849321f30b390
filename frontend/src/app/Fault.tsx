import { Button } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';
import { languageOf, sayIn } from '../i18n/language';

/** The last resort: this program itself failed. It stands outside the providers, so it asks nothing of them. */
export function Fault({ error }: ErrorComponentProps) {
  const say = sayIn(languageOf(new URLSearchParams(location.search).get('lang') ?? undefined));
  return (
    <main style={{ padding: '2rem', maxWidth: '60ch' }}>
      <h1>{say('error.page.title')}</h1>
      <p>{say('error.page.detail')}</p>
      <p>{say('error.nothingLost')}</p>
      <pre>{error instanceof Error ? error.message : String(error)}</pre>
      <Button onClick={() => location.reload()}>{say('error.page.reload')}</Button>
    </main>
  );
}
