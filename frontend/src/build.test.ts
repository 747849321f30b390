import { describe, expect, it } from 'vitest';
import manifest from '../package.json';
import lock from '../package-lock.json?raw';

describe('the package', () => {
  it('[T-094] builds by checking types and then bundling, with exactly the documented script', () => {
    expect(manifest.scripts.build).toBe('tsc --noEmit && vite build');
  });

  it('records no registry address, so that it installs from any mirror', () => {
    expect(lock).not.toMatch(/"resolved"|https?:\/\/registry/);
    expect(lock).toContain('"integrity"');
  });

  it('says which Node it needs', () => {
    expect(manifest.engines.node).toBe('>=20');
  });
});
