import { createTheme, defaultVariantColorsResolver, type MantineColorsTuple } from '@mantine/core';

/** The one accent: the blue-green of deep water on a printed chart. */
const deep: MantineColorsTuple = [
  '#e6f3f5',
  '#cfe4e8',
  '#a3cbd3',
  '#74b0bc',
  '#4d98a7',
  '#2f8394',
  '#1c6b7b',
  '#155868',
  '#124956',
  '#0c3641',
];

/** Mantine's greys for the dark theme, cooled to match the night map. */
const dark: MantineColorsTuple = [
  '#ece8de',
  '#c9cac4',
  '#aeb1ab',
  '#6f7a80',
  '#333a3e',
  '#2a3134',
  '#1d2225',
  '#171b1d',
  '#14181a',
  '#0e1112',
];

export const theme = createTheme({
  primaryColor: 'deep',
  primaryShade: { light: 7, dark: 3 },
  colors: { deep, dark },
  autoContrast: true,
  // Mantine takes the contrast of the light theme's accent for both; in the dark it is a light one.
  variantColorResolver: (asked) => {
    const found = defaultVariantColorsResolver(asked);
    return asked.variant === 'filled' && asked.color === asked.theme.primaryColor
      ? { ...found, color: 'var(--mantine-primary-color-contrast)' }
      : found;
  },
  defaultRadius: 3,
  // Two sizes per panel: the title's, and this one for everything else.
  fontSizes: { xs: '0.8125rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SFMono-Regular', Menlo, Consolas, monospace",
  headings: { fontFamily: "'Source Serif 4 Variable', Georgia, serif", fontWeight: '600' },
  respectReducedMotion: true,
  cursorType: 'pointer',
});
