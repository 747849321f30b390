import { createContext, useContext } from 'react';

/** What the room tells its sections, and they it. */
export interface Room {
  /** A sentence about what was just done, said to everyone once. */
  tell: (sentence: string) => void;
}

export const RoomContext = createContext<Room>({ tell: () => undefined });

export function useRoom(): Room {
  return useContext(RoomContext);
}
