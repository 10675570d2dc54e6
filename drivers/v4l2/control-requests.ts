// The requests on controls and events of a node.

import { Errno } from '../../lib/driver/index.js';
import type { EventSubscription, EventType } from './events.js';
import type { VideoDevice, VideoIoctls } from './video-device.js';

export function controlRequests(dev: VideoDevice): VideoIoctls {
  const { controls } = dev.unit;
  return {
    DQEVENT: (h, _arg, caller) => h.events.dequeue(caller.task, h.nonblock),
    G_CTRL: (_h, { id }) => ({ id, value: controls.get(id) }),
    G_EXT_CTRLS: (_h, ids) => ids.map(({ id }) => ({ id, value: controls.get(id) })),
    QUERYCTRL: (_h, { id }) => controls.query(id),
    QUERYMENU: (_h, { id, index }) => ({ name: controls.menuItem(id, index) }),
    QUERY_EXT_CTRL: () => controls.list(),
    SUBSCRIBE_EVENT: (h, spec) => {
      const type = checkEvent(dev, spec);
      h.events.subscribe({ ...spec, type });
      if (type === 'CTRL' && spec.flags?.includes('SEND_INITIAL') === true) {
        h.events.push('CTRL', spec.id!, controls.get(spec.id!));
      }
    },
    S_CTRL: (h, { id, value }) => ({ id, value: controls.set(id, value, h) }),
    S_EXT_CTRLS: (h, list) => {
      for (const { id, value } of list) controls.try(id, value); // all, or none
      return list.map(({ id, value }) => ({ id, value: controls.set(id, value, h) }));
    },
    TRY_EXT_CTRLS: (_h, list) =>
      list.map(({ id, value }) => ({ id, value: controls.try(id, value) })),
    UNSUBSCRIBE_EVENT: (h, spec) => h.events.unsubscribe(spec),
  };
}

/** EINVAL: the node has no such events, or no such control. */
function checkEvent(dev: VideoDevice, spec: EventSubscription): Exclude<EventType, 'ALL'> {
  const { type, id } = spec;
  if (type === 'CTRL') {
    if (id === undefined) throw new Errno('EINVAL', 'SUBSCRIBE_EVENT: which control?');
    dev.unit.controls.query(id);
    return type;
  }
  const capture = dev.node.queue.dir === 'capture';
  if (type === 'ALL' || !capture) throw new Errno('EINVAL', `SUBSCRIBE_EVENT: ${type}`);
  return type;
}
