/** Folder that V8 writes its CPU profiles to, when `npm run bench -- --profile` asks for them. */
export const PROFILE_FOLDER = 'BENCH_PROFILE';

/** What Node is started with so that it samples where its time goes; nothing when nobody asked. */
export function profileFlags(env: NodeJS.ProcessEnv = process.env): string[] {
  const folder = env[PROFILE_FOLDER];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
