// leasehold <command>: the command line. Every command is a file of its own in this room.

import { Command, CommanderError } from 'commander';
import { pathToFileURL } from 'node:url';
import { isErrno } from '../errno.js';
import { addBench } from './bench-command.js';
import { addConformance } from './conformance-command.js';
import { addFiles } from './files-commands.js';
import { addFsck } from './fsck-command.js';
import { addLab } from './lab-command.js';
import { addMkfs } from './mkfs-command.js';
import { addNewDriver } from './new-driver-command.js';
import { addRace } from './race-command.js';
import { addReplay } from './replay-command.js';
import { addTorture } from './torture-command.js';

/** Every command, none of which ends the process: main() answers its status. */
export function program(): Command {
  const command = new Command('leasehold')
    .description('Emulated device drivers on real file-backed memory: DMA against truncate.')
    .showHelpAfterError()
    .exitOverride();
  addLab(command);
  addConformance(command);
  addBench(command);
  addRace(command);
  addReplay(command);
  addNewDriver(command);
  addMkfs(command);
  addFsck(command);
  addFiles(command);
  addTorture(command);
  return command;
}

/** Runs one command line; answers the exit status. An errno is a message, not a stack. */
export async function main(argv: readonly string[]): Promise<number> {
  process.exitCode = 0;
  try {
    await program().parseAsync(argv as string[]);
  } catch (e) {
    // Commander has said what is wrong, or shown the help that was asked for.
    if (e instanceof CommanderError) return e.exitCode;
    if (!isErrno(e)) throw e;
    process.stderr.write(`leasehold: ${e.message}\n`);
    return 2;
  }
  return Number(process.exitCode);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  void main(process.argv).then((code) => (process.exitCode = code));
}
