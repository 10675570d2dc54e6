// A device for scenarios: pins of user memory, and transfers a page at a time.
//
// A transfer remembers whose pages its translation was made for, as the referee does, and counts
// as stray when a page has become somebody else's.

import assert from 'node:assert/strict';
import type { ProcessLike } from '../../mm/caller.js';
import { pinUserPages, type PinnedPages } from '../../mm/gup.js';
import type { MMEnv } from '../../mm/mm-env.js';
import type { PageOwner } from '../../mm/page.js';
import type { RevokeReason } from '../../mm/pinned-pages.js';
import type { Task } from '../../sched/index.js';
import { PAGE_SIZE, type Pfn } from '../../units.js';

/** Pages as the hardware knows them. */
export interface Translation {
  readonly pfns: readonly Pfn[];
  readonly owners: readonly (PageOwner | undefined)[];
}

export type Revoke = (pins: PinnedPages, why: RevokeReason, task: Task) => Promise<void>;

export class Device {
  readonly env: MMEnv;
  readonly name: string;
  /** Pages written that belonged to somebody else by then. */
  readonly stray: Pfn[] = [];

  constructor(env: MMEnv, name: string) {
    this.env = env;
    this.name = name;
  }

  /** A short pin of whole pages, or a long one if it says how it is taken back. */
  async pin(
    task: Task,
    process: ProcessLike,
    addr: number,
    nrPages: number,
    revoke?: Revoke,
  ): Promise<PinnedPages> {
    const { env, name } = this;
    const origin = { process, device: name, deviceFile: `/dev/${name}`, dataFile: '/file1' };
    const request = {
      mm: process.mm,
      addr,
      len: nrPages * PAGE_SIZE,
      access: 'write',
      origin,
    } as const;
    const pins = await (revoke === undefined
      ? pinUserPages(task, env, { ...request, longterm: false })
      : pinUserPages(task, env, { ...request, longterm: true, revoke }));
    // From here on a judge sees the pin.
    for (const pfn of pins.pfns) env.sched.touch(env.pages.objectOf(pfn), 'write');
    return pins;
  }

  translate(pfns: Iterable<Pfn>): Translation {
    const list = [...pfns];
    return { pfns: list, owners: list.map((pfn) => this.env.pages.owner(pfn)) };
  }

  /** Write one page of a translation. */
  async writePage({ pfns, owners }: Translation, index: number): Promise<void> {
    const { sched, pages } = this.env;
    const pfn = pfns[index]!;
    if (sched.on) await sched.at(pages.objectOf(pfn), 'write');
    if (pages.owner(pfn)?.ino !== owners[index]?.ino) this.stray.push(pfn);
  }

  /** Write all of it; stops where alive() says that the hardware was fenced. */
  async write(translation: Translation, alive: () => boolean = () => true): Promise<void> {
    for (let i = 0; i < translation.pfns.length; i++) {
      if (!alive()) return;
      await this.writePage(translation, i);
    }
  }

  assertNoStray(): void {
    assert(this.stray.length === 0, `${this.name} wrote pfn ${this.stray[0]}, which is free`);
  }
}
