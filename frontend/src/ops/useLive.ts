import { useDocumentVisibility } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { listen } from '../api/live';
import { viewerQuery } from '../api/opsQueries';
import { isUnknown } from '../api/problem';
import { setTold } from '../api/watched';

/** What is asked anew when a topic changed: the second part of the questions' keys. */
const ASKED_OF: Record<string, readonly string[]> = {
  runs: ['runs', 'run', 'summary', 'connectors', 'sources', 'source', 'slos', 'cattle'],
  checks: ['checks', 'summary', 'run'],
  queue: ['queue', 'schedule', 'equivalence-batches', 'evaluations', 'cattle'],
  letters: ['letters', 'letter', 'summary', 'cattle'],
  audit: ['audit', 'audit-chains'],
  sources: ['connectors', 'sources', 'source'],
  alerts: ['alerts', 'alert', 'slos', 'maintenance', 'cattle'],
  incidents: ['incidents', 'incident'],
  maintenance: ['maintenance', 'alerts'],
  deliveries: ['deliveries', 'delivery', 'webhooks', 'mailboxes'],
  runbooks: ['runbook-runs', 'runbook-run'],
};

/** Whether changes are told as they come; null until that is known. */
export type Liveness = boolean | null;

/**
 * Has what changes asked anew, while somebody looks. A tab nobody sees gives its connection back: a
 * browser has six to one place. Without the stream every list is asked anew from time to time.
 */
export function useLive(): Liveness {
  const client = useQueryClient();
  const hidden = useDocumentVisibility() === 'hidden';
  const [live, setLive] = useState<Liveness>(null);
  useEffect(() => {
    if (hidden) return;
    const stop = new AbortController();
    const renew = (topics: readonly string[]) => {
      const stale = new Set(topics.flatMap((topic) => ASKED_OF[topic] ?? []));
      const all = topics.some((topic) => !(topic in ASKED_OF));
      void client.invalidateQueries({
        predicate: ({ queryKey: [room, what] }) =>
          room === 'ops' && what !== 'viewer' && (all || stale.has(String(what))),
      });
    };
    let open = false;
    const become = (told: boolean) => {
      open = told;
      setTold(told);
      setLive(told);
    };
    void listen(stop.signal, {
      onOpen: () => become(true),
      onTopics: renew,
      onLost: (error) => {
        if (isUnknown(error)) {
          void client.invalidateQueries({ queryKey: viewerQuery.queryKey });
        } else if (open) {
          // What changed since is not known.
          renew(['everything']);
        }
        become(false);
      },
    });
    return () => {
      stop.abort();
      setTold(false);
    };
  }, [client, hidden]);
  return live;
}
