// Bystanders: who uses the file system beside the operation, and how long each was stuck behind it.
//
// They come when the operation has had its first turns, and open the file by its name as any
// program would. Once the name is gone they use another file of the same file system.

import type { Task } from '../sched/index.js';
import { ms, PAGE_SIZE } from '../units.js';
import { attempt } from './attempt.js';
import type { Stuck } from './cell.js';
import { bystanderBytes, dataPath, neighbourPath, type Scene } from './scene.js';

const afterNs = ms(1);

type Kind = keyof Stuck;

export class Bystanders {
  readonly #scene: Scene;
  readonly #tookNs: Record<Kind, number | null> = { reader: null, writer: null, stat: null };

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get stuck(): Stuck {
    return { ...this.#tookNs };
  }

  /** One daemon each: who is stuck for good keeps nobody waiting. */
  start(): void {
    const { machine, spec } = this.#scene;
    const path = spec.operation === 'unlink' ? neighbourPath : dataPath;
    for (const kind of ['reader', 'writer', 'stat'] as const) {
      machine.sched.spawn(kind, (task) => this.#come(task, kind, path), { daemon: true });
    }
  }

  async #come(task: Task, kind: Kind, path: string): Promise<void> {
    const { clock } = this.#scene.machine;
    const process = this.#scene.machine.spawn(kind);
    await clock.sleep(task, afterNs);
    const sinceNs = clock.nowNs;
    await attempt(() => this.#use(kind, process, path));
    this.#tookNs[kind] = clock.nowNs - sinceNs;
  }

  async #use(kind: Kind, process: Scene['admin'], path: string): Promise<void> {
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
