import { useId, useLayoutEffect, useRef } from 'react';

/** By the id of an open dialog: where the focus was when it opened, and what that stood in. */
const trails = new Map<string, readonly Element[]>();

/**
 * From an element outwards, the nearest first. From inside a dialog the way goes on to whoever had
 * opened that one: by the time the upper one closes, the lower one may be gone.
 */
function trailFrom(element: Element | null): Element[] {
  const trail: Element[] = [];
  for (let here = element; here && here !== document.body; here = here.parentElement) {
    trail.push(here);
    const below = trails.get(here.id);
    if (below) return [...trail, ...below];
  }
  return trail;
}

function focused(element: Element | null | undefined): boolean {
  if (!(element instanceof HTMLElement)) return false;
  element.focus({ preventScroll: true });
  return document.activeElement === element;
}

/**
 * Gives the focus back to what opened a drawer or a dialog, once it is gone; to the nearest thing
 * around it that can be focused when it is gone too (a row drawn again), and else to the page. Who
 * has meanwhile gone elsewhere stays there.
 *
 * Spread what it returns on the Drawer or Modal. Mantine's own way is not enough: its trap takes the
 * focus a moment after opening, and when that moment comes after the closing, the focus is lost.
 */
export function useFocusBack(opened: boolean) {
  const id = useId();
  const moved = useRef(false);
  const holds = (element: Element) =>
    document.getElementById(id)?.contains(element) ||
    // The one beneath takes the focus as soon as it may: that is not the reader's doing.
    (!moved.current &&
      (trails.get(id) ?? []).some((one) => trails.has(one.id) && one.contains(element)));
  useLayoutEffect(() => {
    const here = document.activeElement;
    if (opened) {
      // Opened again while still closing: who asked first is who gets it back.
      if (!document.getElementById(id)?.contains(here)) trails.set(id, trailFrom(here));
      return;
    }
    if (!trails.has(id)) return;
    moved.current = false;
    const move = ({ type, key }: Partial<KeyboardEvent>) => {
      if (type !== 'keydown' || key === 'Tab') moved.current = true;
    };
    document.addEventListener('keydown', move, true);
    document.addEventListener('pointerdown', move, true);
    return () => {
      document.removeEventListener('keydown', move, true);
      document.removeEventListener('pointerdown', move, true);
    };
  }, [opened, id]);
  useLayoutEffect(() => () => void trails.delete(id), [id]);
  const onExitTransitionEnd = () => {
    const here = document.activeElement;
    const trail = trails.get(id) ?? [];
    if (!here || here === document.body || holds(here)) {
      if (!trail.some(focused)) focused(document.getElementById('conteudo'));
    }
    trails.delete(id);
  };
  return { id, returnFocus: false, onExitTransitionEnd } as const;
}
