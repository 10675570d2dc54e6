// A lock that is held until it is disposed of. A class, since the engine makes an object with a
// computed key by a call into its runtime.

export class Guard implements Disposable {
  readonly #release: () => void;

  constructor(release: () => void) {
    this.#release = release;
  }

  [Symbol.dispose](): void {
    this.#release();
  }
}
