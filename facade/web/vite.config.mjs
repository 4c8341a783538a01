import { defineConfig } from 'vite';

export default defineConfig({
  // Beside, not around, what the compiler makes of the page's logic for the tests: this folder is emptied at each build.
  build: {
    outDir: '../../dist/facade/web/public',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // `npx vite facade/web` while working on the page; the node answers the rest.
  server: { proxy: { '/api': 'http://127.0.0.1:6005', '/health': 'http://127.0.0.1:6005' } },
});
