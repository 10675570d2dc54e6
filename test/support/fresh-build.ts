// Whether a build is of the sources as they are now, by the times of files and folders: a folder
// is as new as the last name that came or went in it.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** mtimes, in ms, of path and of all that is below it. */
function* timesOf(path: string): Generator<{ readonly ms: number; readonly isFile: boolean }> {
  const { mtimeMs: ms } = statSync(path);
  const isFile = !statSync(path).isDirectory();
  yield { ms, isFile };
  if (isFile) return;
  for (const name of readdirSync(path)) yield* timesOf(join(path, name));
}

/**
 * Whether each file of the folder built is newer than every source, and what a whole build has is
 * there: names in built, of which the last that a build writes should be one.
 */
export function isFreshBuild(
  built: string,
  sources: readonly string[],
  whole: readonly string[],
): boolean {
  if (!whole.every((name) => existsSync(join(built, name)))) return false;
  const newest = Math.max(...sources.flatMap((path) => [...timesOf(path)].map(({ ms }) => ms)));
  return [...timesOf(built)].every(({ ms, isFile }) => !isFile || ms > newest);
}
