import { defineConfig } from '@playwright/test';

/** Runs against a standing Atalaia, with the system's Chromium: nothing is downloaded. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  workers: 2,
  fullyParallel: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  forbidOnly: true,
  // Software rendering beside everything else on two cores: a test that only passes again is
  // listed as flaky, one that fails twice has failed.
  retries: 1,
  reporter: [['list']],
  // What breaks something comes last: the other rooms are looked at while all is well.
  projects: [
    { name: 'rooms', testIgnore: /faults/ },
    { name: 'faults', testMatch: /faults/, dependencies: ['rooms'], fullyParallel: false },
  ],
  use: {
    baseURL: process.env.ATALAIA_URL ?? 'http://127.0.0.1:8000',
    locale: 'pt-BR',
    timezoneId: 'America/Sao_Paulo',
    viewport: { width: 1440, height: 900 },
    actionTimeout: 15_000,
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // MapLibre needs WebGL; without a graphics card this draws it in software.
        '--use-gl=angle',
        '--use-angle=swiftshader',
        '--enable-unsafe-swiftshader',
        '--ignore-gpu-blocklist',
      ],
    },
  },
});
