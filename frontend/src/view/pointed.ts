import { createContext, useContext, useSyncExternalStore } from 'react';

/**
 * The one municipality being pointed at, from the map or from the table.
 * It lives outside React's tree so that moving the pointer redraws two rows, not the page.
 */
export class Pointed {
  private id: string | null = null;
  private from: 'map' | 'table' | 'walk' = 'table';
  private readonly listeners = new Set<() => void>();

  get current(): string | null {
    return this.id;
  }

  /** Who pointed last: the table follows the map, never itself. */
  get source(): 'map' | 'table' | 'walk' {
    return this.from;
  }

  point(id: string | null, from: 'map' | 'table' | 'walk'): void {
    if (id === this.id) return;
    this.id = id;
    this.from = from;
    for (const listener of this.listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

export const PointedContext = createContext(new Pointed());

export function usePointed(): { id: string | null; pointed: Pointed } {
  const pointed = useContext(PointedContext);
  const id = useSyncExternalStore(pointed.subscribe, () => pointed.current);
  return { id, pointed };
}
