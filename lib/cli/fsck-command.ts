// leasehold fsck: checks an image, and repairs it if told to. Exit status: 0 sound, 1 repaired,
// 4 damage was found and left (as fsck(8) has them).

import type { Command } from 'commander';
import { fsckPartition, type FsckReport } from '../fs/fsck.js';
import { devicePartition } from '../fs/partition.js';
import { devicePersistence } from '../fs/persistence.js';
import { say, withDevice } from './image.js';

interface Options {
  readonly repair?: boolean;
  readonly json?: boolean;
}

const statusOf = ({ repaired, sound }: FsckReport): number => (repaired ? 1 : sound ? 0 : 4);

function print(image: string, report: FsckReport): void {
  for (const line of report.notes) say(`${image}: ${line}`);
  for (const { check, what, repair } of report.findings) {
    say(`${image}: ${check}: ${what}; ${report.repaired ? repair : `a repair: ${repair}`}`);
  }
  const { files, directories, links, usedBlocks, blocks, findings } = report;
  const counts = `${files} files, ${directories} directories, ${links} links`;
  const state = findings.length === 0 ? 'sound' : `${findings.length} findings`;
  const end = report.repaired ? `${state}, repaired` : state;
  say(`${image}: ${counts}, ${usedBlocks} of ${blocks} blocks in use; ${end}`);
}

export function checkImage(image: string, repair: boolean): Promise<FsckReport> {
  return withDevice(image, async (device) => {
    using _lock = device.lockMount();
    const partition = devicePartition(device, 0, device.len);
    return await fsckPartition(partition, repair, devicePersistence(device, 0));
  });
}

async function run(image: string, { repair = false, json = false }: Options): Promise<void> {
  const report = await checkImage(image, repair);
  if (json) say(JSON.stringify({ image, ...report }, null, 2));
  else print(image, report);
  process.exitCode = statusOf(report);
}

export function addFsck(program: Command): void {
  program
    .command('fsck')
    .description('check an image that nobody has mounted')
    .argument('<image>', 'a device file')
    .option('--repair', 'put right what is wrong')
    .option('--json', 'print one object')
    .action(run);
}
