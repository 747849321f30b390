import { type ReactNode, useEffect, useState } from 'react';

const PATIENCE_MS = 300;

/** Shows its content only when the wait is long enough to be noticed: no flicker on fast answers. */
export function Late({ children }: { children: ReactNode }) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  return late ? children : null;
}
