import tseslint from 'typescript-eslint';

/**
 * The one-way dependency rule (docs/architecture.md). Each folder names the only project folders that it may import.
 * node/ is the composition root and tests/ and load/ drive the product, so they may import all.
 */
const mayImport = {
  errors: [],
  telemetry: [],
  site: ['errors'],
  processes: ['errors'],
  machines: ['site', 'errors'],
  workers: ['protocols/solana', 'site', 'errors'],
  bus: ['processes', 'telemetry', 'site', 'errors'],
  protocols: ['processes', 'site', 'errors'],
  actors: ['machines', 'bus', 'workers', 'protocols', 'telemetry', 'site', 'errors'],
  // facade and cli speak to the system through the actors' public client only.
  facade: ['actors/client', 'telemetry', 'site', 'errors'],
  // chaos looks at a site from outside, in its streams and its history.
  chaos: ['actors/client', 'bus', 'protocols', 'processes', 'telemetry', 'site', 'errors'],
  // cli starts nodes (statewatt up), so it also reaches the composition root.
  cli: ['actors/client', 'node', 'chaos', 'telemetry', 'site', 'errors'],
  // Examples are written as a user writes: they import the package by its name.
  examples: [],
};

const layers = [...Object.keys(mayImport), 'node', 'tests', 'load'];

function layerRule(layer) {
  const allowed = mayImport[layer];
  const forbidden = layers.filter((other) => other !== layer && !allowed.includes(other));
  const partly = allowed.filter((entry) => entry.includes('/'));
  const patterns = forbidden
    .filter((other) => !partly.some((entry) => entry.startsWith(`${other}/`)))
    .map((other) => ({ regex: `^(\\.\\./)+${other}/`, message: `${layer}/ may not import ${other}/` }));
  for (const entry of partly) {
    const [folder, rest] = entry.split('/');
    patterns.push({
      regex: `^(\\.\\./)+${folder}/(?!${rest}(/|\\.js$))`,
      message: `${layer}/ may import only ${entry} of ${folder}/`,
    });
  }
  return {
    files: [`${layer}/**/*.ts`, `${layer}/**/*.tsx`],
    rules: { 'no-restricted-imports': ['error', { patterns }] },
  };
}

/** The web page runs in browsers, so it has a compiler configuration of its own. */
function typeChecked(files, ignores, project) {
  return {
    files,
    ignores,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: 'error',
    },
  };
}

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '.cache/**', '.statewatt/**', 'docs/api/**', 'site/expressions/generated/**'] },
  typeChecked(['**/*.ts'], ['facade/web/**'], './tsconfig.json'),
  typeChecked(['facade/web/**/*.ts', 'facade/web/**/*.tsx'], [], './facade/web/tsconfig.json'),
  {
    files: ['tests/**/*.ts'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off', '@typescript-eslint/require-await': 'off' },
  },
  ...Object.keys(mayImport).map(layerRule),
);
