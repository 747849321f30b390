import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';

// jsdom has no layout, no media and no canvas: these stand-ins let components that ask for them run.

// Generous, for machines that do other work at the same time: a passing test never waits this long.
configure({ asyncUtilTimeout: 8000 });

class NoResize implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}

/** Everything is in sight: lazy parts load at once. */
class AllInSight {
  readonly root = null;
  readonly rootMargin = '';
  readonly scrollMargin = '';
  readonly thresholds = [0];
  private readonly tell: IntersectionObserverCallback;
  constructor(tell: IntersectionObserverCallback) {
    this.tell = tell;
  }
  observe(target: Element) {
    const entry = { isIntersecting: true, target } as IntersectionObserverEntry;
    this.tell([entry], this as unknown as IntersectionObserver);
  }
  unobserve() {}
  disconnect() {}
  takeRecords() {
    return [];
  }
}

/** A pen that draws nowhere. WebGL is refused, so that pages show what they show without a map. */
function penNowhere(kind: string): unknown {
  if (kind !== '2d') return null;
  const pen: Record<string, unknown> = {
    measureText: (text: string) => ({ width: text.length * 7 }),
    createLinearGradient: () => ({ addColorStop: () => undefined }),
  };
  return new Proxy(pen, {
    get: (target, name: string) => target[name] ?? (() => undefined),
    set: () => true,
  });
}

export const media = new Set<string>();

beforeEach(() => {
  media.clear();
  localStorage.clear();
  sessionStorage.clear();
  vi.stubGlobal('ResizeObserver', NoResize);
  vi.stubGlobal('IntersectionObserver', AllInSight);
  vi.stubGlobal('scrollTo', () => undefined);
  vi.stubGlobal('matchMedia', (query: string) => ({
    matches: media.has(query),
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
  }));
  HTMLCanvasElement.prototype.getContext = penNowhere as HTMLCanvasElement['getContext'];
  Element.prototype.scrollIntoView = () => undefined;
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
