// Opens private fields for the race explorer: `#name` becomes a property `$name_file` when a module
// of this project is loaded or built, so that an exploration can put a whole machine back to where
// a schedule began instead of booting it anew (lib/explore/heap-snapshot.ts). And each class says
// which of its fields are `readonly`, by their new names: those need not be put back.
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

/** A class of the module, from its name to the brace that ends it; not one that ends on its line. */
const classBody = /^(?:export )?(?:abstract )?class (\w+)(?!.*\}\s*(?:\/\/.*)?$)[^]*?^\}/gm;
const readonlyField =
  /^ {2}(?:(?:public|protected|private|abstract|override) )*readonly (\$?\w+)/gm;

/** Names the readonly fields of each class behind it, on the line where it ends. */
function nameReadonly(source) {
  return source.replace(classBody, (body, name) => {
    const fields = Array.from(body.matchAll(readonlyField), ([, field]) => field);
    if (fields.length === 0) return body;
    return `${body} ${name}[Symbol.for('leasehold.readonly')] = ${JSON.stringify(fields)};`;
  });
}

/** The source of a module with its private members opened. path: two classes may share names. */
export function openFields(source, path) {
  const declared = new Set(Array.from(source.matchAll(declaration), ([, name]) => name));
  const suffix = basename(path).replace(/\W+/g, '_');
  const opened = source.replace(member, (whole, before, name) =>
    declared.has(name) ? `${before}$${name}_${suffix}` : whole,
  );
  return nameReadonly(opened);
}
