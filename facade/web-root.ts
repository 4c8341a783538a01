import { fileURLToPath } from 'node:url';

/** Folder of the built web page: index.html, hashed files in assets/. Made by the build from facade/web/. */
export const WEB_ROOT = fileURLToPath(new URL('./web/public/', import.meta.url));
