// Which pages of a region were stored to: whoever puts memory back to where it stood (lib/explore)
// copies those and no others.
//
//   note(page) ... -> drain(): each page once, in the order in which they were first stored to
//
// Only for machines that are simulated, where every store goes through PageBytes. What another
// thread or process stores is not seen.

export class StoreLog {
  readonly #isNoted: Uint8Array;
  readonly #pages: number[] = [];

  constructor(nrPages: number) {
    this.#isNoted = new Uint8Array(nrPages);
  }

  /** page: its place in the region. */
  note(page: number): void {
    if (this.#isNoted[page] !== 0) return;
    this.#isNoted[page] = 1;
    this.#pages.push(page);
  }

  /** Visit every page that was noted; none is afterwards. */
  drain(visit: (page: number) => void): void {
    for (const page of this.#pages) {
      this.#isNoted[page] = 0;
      visit(page);
    }
    this.#pages.length = 0;
  }
}
