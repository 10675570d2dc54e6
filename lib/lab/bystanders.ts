// Bystanders: who uses the file system beside the operation, and how long each was stuck behind it.
//
// They come when the operation has had its first turns, and open the file by its name as any
// program would. Once the name is gone they use another file of the same file system.

import type { Process } from '../machine.js';
import type { Task } from '../sched/index.js';
import { ms, PAGE_SIZE } from '../units.js';
import { attempt } from './attempt.js';
import type { Stuck } from './cell.js';
import { bystanderBytes, dataPath, neighbourPath, type Scene } from './scene.js';

const afterNs = ms(1);

type Kind = keyof Stuck;

const kinds: readonly Kind[] = ['reader', 'writer', 'stat'];

export class Bystanders {
  readonly #scene: Scene;
  readonly #processes: ReadonlyMap<Kind, Process>;
  readonly #tookNs: Record<Kind, number | null> = { reader: null, writer: null, stat: null };

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#processes = new Map(kinds.map((kind) => [kind, scene.machine.spawn(kind)]));
  }

  get stuck(): Stuck {
    return { ...this.#tookNs };
  }

  /** One daemon each: who is stuck for good keeps nobody waiting. */
  start(): void {
    const { machine, spec } = this.#scene;
    const path = spec.operation === 'unlink' ? neighbourPath : dataPath;
    for (const [kind, process] of this.#processes) {
      const come = (task: Task): Promise<void> => this.#come(task, kind, process, path);
      machine.sched.spawn(kind, come, { daemon: true });
    }
  }

  async #come(task: Task, kind: Kind, process: Process, path: string): Promise<void> {
    const { clock } = this.#scene.machine;
    await clock.sleep(task, afterNs);
    const sinceNs = clock.nowNs;
    await attempt(() => this.#use(kind, process, path));
    this.#tookNs[kind] = clock.nowNs - sinceNs;
  }

  async #use(kind: Kind, process: Process, path: string): Promise<void> {
    if (kind === 'stat') {
      await process.stat(path);
      return;
    }
    const fd = await process.open(path, [kind === 'reader' ? 'rdonly' : 'rdwr']);
    try {
      if (kind === 'reader') await process.read(fd, 0, PAGE_SIZE);
      else await process.write(fd, 0, new Uint8Array(bystanderBytes));
    } finally {
      await process.close(fd);
    }
  }
}
