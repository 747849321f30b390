import { Skeleton } from '@mantine/core';
import { useLanguage } from '../i18n/language';
import { Late } from './Late';

/** Grey lines where text will be, with words for those who do not see them. */
export function Waiting({ lines = 4 }: { lines?: number }) {
  const { say } = useLanguage();
  return (
    <Late>
      <div role="status">
        <span className="visually-hidden">{say('app.loading')}</span>
        {Array.from({ length: lines }, (_, line) => `${100 - line * 7}%`).map((width) => (
          <Skeleton key={width} height={14} width={width} mt="sm" />
        ))}
      </div>
    </Late>
  );
}
