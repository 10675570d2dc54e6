// Filters: a Device wrapped so that it fails, is slow, or tells what is asked of it. A filtered
// device is a Device like any other, and filters stack.
//
//   failNth(dev, 'pinUserPages', 3, 'ENOMEM')    the third call throws, the others pass
//   delay(dev, 'faultRange', 1000)                every call waits first
//   logCalls(dev, line => …)                      every call, and how it ended

import { checkFunction, checkObject, checkTime, checkWhole, shown } from '../arguments.js';
import { Errno, type ErrnoCode, errnoNumbers, isErrno } from '../errno.js';
import type { Device } from './device.js';

/** The calls of a Device, as opposed to what it holds. */
export type DeviceCall = {
  [K in keyof Device]: Device[K] extends (...args: never[]) => unknown ? K : never;
}[keyof Device];

/** The calls that answer by a promise, and so can be made to wait. */
export type DeviceWait = {
  [K in DeviceCall]: ReturnType<Device[K]> extends Promise<unknown> ? K : never;
}[DeviceCall];

export type DeviceFilter = <H>(dev: Device<H>) => Device<H>;

type Call = (...args: unknown[]) => unknown;
type Wrap = (name: string, call: Call) => Call;

/** A device whose calls go through wrap. Everything else is the device's own. */
function wrapped<H>(dev: Device<H>, wrap: Wrap): Device<H> {
  const calls = new Map<PropertyKey, Call>();
  return new Proxy(dev, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      let call = calls.get(name);
      if (call === undefined) {
        call = wrap(String(name), (value as Call).bind(target));
        calls.set(name, call);
      }
      return call;
    },
  });
}

function checkCall(filter: string, dev: object, method: string): void {
  checkObject(filter, 'dev', dev);
  if (typeof Reflect.get(dev, method) === 'function') return;
  throw new Errno('EINVAL', `${filter}: method: a device has no ${shown(method)}`);
}

/** Call number n of that name (the first is 1) throws code and changes nothing. */
export function failNth<H>(
  dev: Device<H>,
  method: DeviceCall,
  n: number,
  code: ErrnoCode,
): Device<H> {
  checkCall('failNth', dev, method);
  checkWhole('failNth', 'n', n, 1, Number.MAX_SAFE_INTEGER);
  if (!Object.hasOwn(errnoNumbers, code)) {
    throw new Errno('EINVAL', `failNth: code: ${shown(code)} is no errno`);
  }
  let count = 0;
  return wrapped(dev, (name, call) => {
    if (name !== method) return call;
    const isAsync = asyncCalls.has(name);
    return (...args) => {
      if (++count !== n) return call(...args);
      const error = new Errno(code, `${name}: call ${n} was told to fail`);
      if (isAsync) return Promise.reject(error);
      throw error;
    };
  });
}

const asyncCalls: ReadonlySet<string> = new Set<DeviceWait>([
  'blockLayout',
  'faultRange',
  'pinUserPages',
  'takeLayoutLease',
]);

/** Every call of that name waits delayNs before it is made. */
export function delay<H>(dev: Device<H>, method: DeviceWait, delayNs: number): Device<H> {
  checkCall('delay', dev, method);
  if (!asyncCalls.has(method)) {
    throw new Errno('EINVAL', `delay: method: ${method} does not wait`);
  }
  checkTime('delay', 'delayNs', delayNs);
  return wrapped(dev, (name, call) => {
    if (name !== method) return call;
    return (...args) =>
      dev.sched.enter(`${dev.name} ${name}`, async (task) => {
        await dev.sched.clock.sleep(task, delayNs);
        return call(...args);
      });
  });
}

/** Tell every call and how it ended. */
export function logCalls<H>(dev: Device<H>, log: (line: string) => void): Device<H> {
  checkObject('logCalls', 'dev', dev);
  checkFunction('logCalls', 'log', log);
  const ended = (name: string, e?: unknown): void =>
    log(e === undefined ? `${name}: ok` : `${name}: ${isErrno(e) ? e.code : String(e)}`);
  return wrapped(dev, (name, call) => (...args) => {
    try {
      const result = call(...args);
      if (!(result instanceof Promise)) {
        ended(name);
        return result;
      }
      return result.then(
        (value: unknown) => (ended(name), value),
        (e: unknown) => {
          ended(name, e);
          throw e;
        },
      );
    } catch (e) {
      ended(name, e);
      throw e;
    }
  });
}
