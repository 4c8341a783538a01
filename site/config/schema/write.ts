import { writeFile } from 'node:fs/promises';
import { siteJsonSchema } from './site.js';

/** `npm run schema`: writes schemas/site.schema.json anew; this file runs from dist/site/config/schema/. */
await writeFile(new URL('../../../../schemas/site.schema.json', import.meta.url), siteJsonSchema());
