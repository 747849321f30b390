import { useNavigate } from '@tanstack/react-router';
import type { Search } from '../../view/address';

/** Into the room of an incident. */
export function useEnterIncident() {
  const navigate = useNavigate();
  return (id: number) =>
    void navigate({
      to: '/operacoes/incidentes/$id',
      params: { id: String(id) },
      search: ({ lang }: Search): Search => (lang ? { lang } : {}),
    });
}
