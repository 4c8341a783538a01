import { putFiles } from '../../../site/config/versions/write.js';

/** Puts one content after the other into all files of a folder, until it is killed. */
const [root = '', count = '0'] = process.argv.slice(2);
for (let turn = 0; ; turn++) {
  const bytes = Buffer.from(`${turn}\n`.repeat(200));
  const files = Array.from({ length: Number(count) }, (_, index) => ({
    path: `f${index % 3}/table${index}.csv`,
    bytes,
  }));
  // The last file is there in every other turn only.
  const last = files.pop();
  const isThere = turn % 2 === 0 && last !== undefined;
  await putFiles(root, isThere ? [...files, last] : files, isThere ? [] : [`${root}/${last?.path}`]);
  process.stdout.write(`${turn}\n`);
}
