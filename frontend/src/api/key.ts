/** The viewer's key lives for the tab only: closing it forgets the key. */
const SLOT = 'atalaia.key';

export function readKey(): string | null {
  return sessionStorage.getItem(SLOT);
}

export function keepKey(key: string): void {
  sessionStorage.setItem(SLOT, key.trim());
}

export function forgetKey(): void {
  sessionStorage.removeItem(SLOT);
}
