import { createMemoryHistory, createRouter, RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { newQueryClient } from '../api/queries';
import { Providers } from '../app/Providers';
import { routeTree } from '../app/router';
import { parseSearch, stringifySearch } from '../view/address';

/** A client that does not try again: tests of failures would only wait. */
function impatientClient() {
  const client = newQueryClient();
  client.setDefaultOptions({ queries: { ...client.getDefaultOptions().queries, retry: false } });
  return client;
}

/** 'default' moves as the reader's browser does; 'test' opens and closes at once. */
type Env = 'default' | 'test';

/** The whole application at an address. */
export function visit(address: string, env: Env = 'test') {
  const history = createMemoryHistory({ initialEntries: [address] });
  const router = createRouter({ routeTree, history, parseSearch, stringifySearch });
  const shown = render(
    <Providers client={impatientClient()} env={env}>
      {/* The registered router has the browser's history; this one differs in nothing else. */}
      <RouterProvider router={router as never} />
    </Providers>,
  );
  return { ...shown, address: () => router.history.location.href };
}

/** One component among the providers every component has. */
export function show(node: ReactNode, env: Env = 'test') {
  return render(
    <Providers client={impatientClient()} env={env}>
      {node}
    </Providers>,
  );
}
