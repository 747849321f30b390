import { createContext, useContext } from 'react';
import type { Role, Viewer } from '../api/opsTypes';
import type { Liveness } from './useLive';

/** What the room tells its sections, and they it. */
export interface Room {
  viewer: Viewer;
  live: Liveness;
  /** A sentence about what was just done, said to everyone once. */
  tell: (sentence: string) => void;
}

export const RoomContext = createContext<Room | null>(null);

export function useRoom(): Room {
  const room = useContext(RoomContext);
  if (!room) throw new Error('outside the rooms of operations');
  return room;
}

const STEPS: readonly Role[] = ['viewer', 'auditor', 'operator', 'admin'];

/** Whether a role reaches what asks for `least`. The API decides; this only spares a refusal. */
export function reaches(role: Role, least: Exclude<Role, 'client'>): boolean {
  return STEPS.indexOf(role) >= STEPS.indexOf(least);
}
