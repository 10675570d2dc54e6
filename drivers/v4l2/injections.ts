// vivid's error injection: faults an application can order for itself, each once.
// vivid-ctrls.c:vivid_streaming_s_ctrl; the controls take effect at the next call they name.

import { Errno } from '../../lib/driver/index.js';
import { buttonControl, integerControl, type ControlHandler } from './controls.js';

export type InjectedError = 'queueSetup' | 'bufPrepare' | 'startStreaming' | 'frame';

const buttons: readonly (readonly [id: string, name: string, error: InjectedError])[] = [
  ['dqbuf_error', 'Inject V4L2_BUF_FLAG_ERROR', 'frame'],
  ['queue_setup_error', 'Inject VIDIOC_REQBUFS Error', 'queueSetup'],
  ['buf_prepare_error', 'Inject VIDIOC_QBUF Error', 'bufPrepare'],
  ['start_streaming_error', 'Inject VIDIOC_STREAMON Error', 'startStreaming'],
];

export class Injections {
  /** Percentage of ticks whose frame is lost. */
  percentDropped = 0;
  readonly #armed = new Set<InjectedError>();

  /** fatal: what "Inject Fatal Streaming Error" does. */
  addTo(controls: ControlHandler, fatal: () => void): void {
    for (const [id, name, error] of buttons) {
      controls.add(buttonControl(id, name), () => this.#armed.add(error));
    }
    controls.add(
      integerControl('perc_dropped', 'Percentage of Dropped Buffers', [0, 100], 0),
      (v) => {
        this.percentDropped = v;
      },
    );
    controls.add(buttonControl('queue_error', 'Inject Fatal Streaming Error'), fatal);
  }

  /** Whether this error was ordered; it no longer is. */
  take(error: InjectedError): boolean {
    return this.#armed.delete(error);
  }

  /** EINVAL if this error was ordered. */
  check(error: InjectedError): void {
    if (this.take(error)) throw new Errno('EINVAL', `injected: ${error}`);
  }
}
