// Managed actions of a device: run once, last added first, on unbind or when probe fails.

export class Devres {
  readonly #actions: (() => void)[] = [];

  add(action: () => void): void {
    this.#actions.push(action);
  }

  get count(): number {
    return this.#actions.length;
  }

  /** Run every action even if one throws; what they threw is returned, in order. */
  releaseAll(): unknown[] {
    const errors: unknown[] = [];
    for (let action = this.#actions.pop(); action; action = this.#actions.pop()) {
      try {
        action();
      } catch (e) {
        errors.push(e);
      }
    }
    return errors;
  }
}
