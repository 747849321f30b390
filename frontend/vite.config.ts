import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running Atalaia. */
const api = process.env.ATALAIA_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react()],
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/admin', '/files', '/dlq', '/health', '/openapi.json'].map((path) => [path, api]),
    ),
  },
  build: {
    target: 'es2022',
    // The map library is one large chunk on purpose: it loads only where there is a map.
    chunkSizeWarningLimit: 1400,
    // scripts/size.mjs reads which chunks the first page needs from here.
    manifest: true,
  },
  test: {
    environment: 'jsdom',
    setupFiles: ['src/test/setup.ts'],
    include: ['src/**/*.test.{ts,tsx}'],
    css: false,
    restoreMocks: true,
    testTimeout: 30_000,
    // One jsdom per worker, not per file: making it costs more than all the tests.
    isolate: false,
    // More workers would each make one for every file they take: twice the work, and no sooner done.
    maxWorkers: 1,
  },
});
