import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { useLanguage } from '../i18n/language';

const COPIED_MS = 2000;

/** Copies a text; `what` says which, for those who hear the button alone. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const { say } = useLanguage();
  const clipboard = useClipboard({ timeout: COPIED_MS });
  return (
    <Button
      size="compact-sm"
      variant="default"
      aria-label={`${say(clipboard.copied ? 'origin.copied' : 'origin.copy')}: ${what}`}
      onClick={() => clipboard.copy(text)}
    >
      {say(clipboard.copied ? 'origin.copied' : 'origin.copy')}
    </Button>
  );
}
