// Opens private fields for the race explorer: `#name` becomes a property `$name_file` when a module
// of this project is loaded or built, so that an exploration can put a whole machine back to where
// a schedule began instead of booting it anew (lib/explore/heap-snapshot.ts).
//
//   node --import ./scripts/register.mjs ...    for the sources
//   openFields(source, path)                    in tsup.config.ts, for the built package
//
// The sources keep their `#`: the compiler holds everybody to it. Only names that the file
// declares as members are replaced, and only where a member stands.

import { basename } from 'node:path';

const declaration = /^[ \t]+(?:static |readonly |declare |async |get |set |\*)*#([A-Za-z_]\w*)/gm;
/** A member stands after a dot, or begins a line of a class body. */
const member = /(\.|^[ \t]+(?:static |readonly |declare |async |get |set |\*)*)#([A-Za-z_]\w*)/gm;

/** The source of a module with its private members opened. path: two classes may share names. */
export function openFields(source, path) {
  const declared = new Set(Array.from(source.matchAll(declaration), ([, name]) => name));
  if (declared.size === 0) return source;
  const suffix = basename(path).replace(/\W+/g, '_');
  return source.replace(member, (whole, before, name) =>
    declared.has(name) ? `${before}$${name}_${suffix}` : whole,
  );
}
