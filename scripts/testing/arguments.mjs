/** Test folders, quick ones first. */
export const FOLDERS = ['unit', 'integration', 'conformance', 'chaos', 'e2e'];

/**
 * @typedef {{ specs: string[], mocha: string[], partial: boolean }} TestArguments
 * `specs`: globs of compiled tests; `mocha`: arguments that go on to mocha; `partial`: not the whole suite
 */

/**
 * Sorts the arguments of `npm test`: folders such as `unit` or `integration/cli` choose tests, all else is mocha's.
 *
 * @param {readonly string[]} given
 * @param {readonly string[]} [present] the folders that there are; all of them are run when none is chosen
 * @returns {TestArguments}
 */
export function parseArguments(given, present = FOLDERS) {
  const chosen = given.filter((argument) => FOLDERS.includes(/** @type {string} */ (argument.split('/')[0])));
  const mocha = given.filter((argument) => !chosen.includes(argument));
  const folders = chosen.length > 0 ? chosen : present;
  return {
    specs: folders.map((folder) =>
      folder.endsWith('.test.ts')
        ? `dist/tests/${folder.slice(0, -'.ts'.length)}.js`
        : `dist/tests/${folder.replace(/\/$/, '')}/**/*.test.js`,
    ),
    mocha,
    partial: given.length > 0,
  };
}
