import type { AlertPageOf } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import { Moment } from '../Moment';
import { StateMark } from '../StateMark';
import { useNow } from '../useNow';
import { watchState } from './judge';

/** Said when the rules are not asked: then no alert means nothing. */
export function WatchNote({ page }: { page: AlertPageOf }) {
  const { say, language } = useLanguage();
  const state = watchState(page, useNow());
  if (state === 'ok') return null;
  return (
    <p>
      <StateMark state={state === 'partial' ? 'warn' : 'unknown'} />{' '}
      {state === 'partial'
        ? say('watch.partial', { count: formatNumber(page.unasked ?? 0, 0, language) })
        : say(state === 'never' ? 'watch.never' : 'watch.stale')}
      {state === 'stale' && (
        <>
          {' '}
          <Moment iso={page.evaluated_at} />
        </>
      )}
    </p>
  );
}
