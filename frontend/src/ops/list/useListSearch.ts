import { useNavigate, useSearch } from '@tanstack/react-router';
import type { Search } from '../../view/address';

/**
 * What a list shows is in its address, so that a link, a reload and the way back all find it as it
 * was. `put` leaves out what is empty; `step` does the same and can be gone back from.
 */
export function useListSearch() {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const go = (changes: Search, replace: boolean) => {
    void navigate({
      to: '.',
      replace,
      resetScroll: false,
      search: (before: Search): Search => ({ ...before, ...changes }),
    });
  };
  return {
    search,
    put: (changes: Search) => go(changes, true),
    step: (changes: Search) => go(changes, false),
  };
}
