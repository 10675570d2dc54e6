// leasehold new-driver <name>: the null driver and its test, copied under a name of their own.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { Errno } from '../errno.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The template's files name themselves `null`; keep JavaScript's null as it is. */
function renamed(text: string, name: string): string {
  const type = name.replace(/(^|-)([a-z0-9])/g, (_, _dash, letter: string) => letter.toUpperCase());
  return text
    .replaceAll('drivers/null/', `drivers/${name}/`)
    .replaceAll('/dev/null0', `/dev/${name}0`)
    .replaceAll("'null0'", `'${name}0'`)
    .replaceAll("name: 'null'", `name: '${name}'`)
    .replaceAll('NullRequests', `${type}Requests`)
    .replaceAll('nullDriver', `${type.charAt(0).toLowerCase()}${type.slice(1)}Driver`)
    .replaceAll("'emul,byte-source'", `'emul,${name}'`)
    .replace(/^\/\/ null:/, `// ${name}:`);
}

function copyFolder(from: string, to: string, name: string): string[] {
  mkdirSync(to, { recursive: true });
  const made: string[] = [];
  for (const file of readdirSync(from).sort()) {
    const target = join(to, file);
    if (/\.(ts|md)$/.test(file)) {
      writeFileSync(target, renamed(readFileSync(join(from, file), 'utf8'), name));
    } else cpSync(join(from, file), target);
    made.push(target);
  }
  return made;
}

/** Make drivers/<name> and test/drivers/<name> below folder. EINVAL, EEXIST. */
export function newDriver(name: string, folder: string): string[] {
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new Errno('EINVAL', `new-driver: name '${name}' is not [a-z][a-z0-9-]*`);
  }
  const parts = ['drivers', join('test', 'drivers')];
  for (const part of parts) {
    const target = join(folder, part, name);
    if (existsSync(target)) throw new Errno('EEXIST', `new-driver: ${target} is there already`);
  }
  return parts.flatMap((part) =>
    copyFolder(join(root, part, 'null'), join(folder, part, name), name),
  );
}

export function addNewDriver(program: Command): void {
  program
    .command('new-driver')
    .description('a driver folder with its test, to start from')
    .argument('<name>', 'lower-case, as in drivers/<name>')
    .action((name: string) => {
      for (const file of newDriver(name, process.cwd())) process.stdout.write(`${file}\n`);
    });
}
