// Controls of a node: numbers an application may read and set by name, kept in range.
//
// Numbers are clamped, menu items out of range are ERANGE, unknown controls EINVAL, reading a
// button EACCES (v4l2-ctrls-core.c:validate_new, v4l2-ctrls-api.c). Every change that happens is
// told to the subscribers, but for the one who made it unless it asked for that.

import { Errno } from '../../lib/driver/index.js';

export type ControlType = 'INTEGER' | 'MENU' | 'BUTTON';

export interface ControlSpec {
  readonly id: string;
  readonly name: string;
  readonly type: ControlType;
  readonly minimum: number;
  readonly maximum: number;
  readonly step: number;
  readonly defaultValue: number;
  /** MENU: the items, from 0. */
  readonly items?: readonly string[];
}

export interface ControlInfo extends ControlSpec {
  readonly flags: readonly ('WRITE_ONLY' | 'EXECUTE_ON_WRITE')[];
}

export type ControlChange = (control: ControlSpec, value: number, by: unknown) => void;

export const integerControl = (
  id: string,
  name: string,
  [minimum, maximum]: readonly [number, number],
  defaultValue: number,
): ControlSpec => ({ id, name, type: 'INTEGER', minimum, maximum, step: 1, defaultValue });

export const menuControl = (id: string, name: string, items: readonly string[]): ControlSpec => ({
  id,
  name,
  type: 'MENU',
  minimum: 0,
  maximum: items.length - 1,
  step: 1,
  defaultValue: 0,
  items,
});

export const buttonControl = (id: string, name: string): ControlSpec => ({
  id,
  name,
  type: 'BUTTON',
  minimum: 0,
  maximum: 0,
  step: 0,
  defaultValue: 0,
});

interface Control {
  readonly spec: ControlSpec;
  readonly apply: (value: number) => void;
  value: number;
}

export class ControlHandler {
  readonly #controls = new Map<string, Control>();
  readonly #listeners = new Set<ControlChange>();

  /** apply runs when the control is set, also to the value it has. */
  add(spec: ControlSpec, apply: (value: number) => void): void {
    this.#controls.set(spec.id, { spec, apply, value: spec.defaultValue });
  }

  onChange(listener: ControlChange): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** QUERYCTRL. */
  query(id: string): ControlInfo {
    const { spec } = this.#find(id);
    const flags = spec.type === 'BUTTON' ? (['WRITE_ONLY', 'EXECUTE_ON_WRITE'] as const) : [];
    return { ...spec, flags };
  }

  /** Every control, as V4L2_CTRL_FLAG_NEXT_CTRL walks them. */
  list(): ControlInfo[] {
    return [...this.#controls.keys()].map((id) => this.query(id));
  }

  /** QUERYMENU: EINVAL for what is no menu, or beyond it. */
  menuItem(id: string, index: number): string {
    const item = this.#find(id).spec.items?.[index];
    if (item === undefined) throw new Errno('EINVAL', `control ${id} has no item ${index}`);
    return item;
  }

  get(id: string): number {
    const control = this.#find(id);
    if (control.spec.type === 'BUTTON') throw new Errno('EACCES', `control ${id} is write-only`);
    return control.value;
  }

  /** The value it took; by is whoever set it. */
  set(id: string, value: number, by: unknown = null): number {
    const control = this.#find(id);
    const { spec } = control;
    const taken = this.try(id, value);
    const changed = spec.type === 'BUTTON' || taken !== control.value;
    control.value = taken;
    control.apply(taken);
    if (changed) for (const listener of this.#listeners) listener(spec, taken, by);
    return taken;
  }

  /** TRY_EXT_CTRLS: the value it would take. */
  try(id: string, value: number): number {
    const { spec } = this.#find(id);
    if (spec.type === 'BUTTON') return 0;
    if (!Number.isInteger(value)) throw new Errno('EINVAL', `control ${id}: ${value}`);
    if (spec.type === 'INTEGER') return Math.min(Math.max(value, spec.minimum), spec.maximum);
    if (value < spec.minimum || value > spec.maximum) {
      throw new Errno('ERANGE', `control ${id} has no item ${value}`);
    }
    return value;
  }

  #find(id: string): Control {
    const control = this.#controls.get(id);
    if (control === undefined) throw new Errno('EINVAL', `there is no control ${id}`);
    return control;
  }
}
