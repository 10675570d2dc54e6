// ibv_ah: where a datagram goes.

import { Errno } from '../../lib/driver/index.js';
import { checkObject } from './args.js';
import type { Hca } from './hca.js';
import type { PD } from './pd.js';
import type { AHAttr } from './qp-state.js';
import type { UverbsFile } from './uverbs-file.js';

export class AH {
  readonly pd: PD;
  readonly ahn: number;
  readonly attr: AHAttr;

  constructor(pd: PD, ahn: number, attr: AHAttr) {
    this.pd = pd;
    this.ahn = ahn;
    this.attr = attr;
    pd.nrUsers++;
  }

  destroy(hca: Hca): void {
    hca.addressHandles.delete(this.ahn);
    this.pd.nrUsers--;
  }
}

/** EINVAL: no address, or a port that is not there (rxe_av_chk_attr). */
export function checkAHAttr(v: unknown): AHAttr {
  const { dgid, portNum = 1 } = checkObject('ah_attr', v);
  if (typeof dgid !== 'string' || dgid === '') throw new Errno('EINVAL', 'ah_attr: no address');
  if (portNum !== 1) throw new Errno('EINVAL', `ah_attr: port ${String(portNum)}`);
  return { dgid, portNum };
}

export function createAH(file: UverbsFile, arg: { pd: number; attr: AHAttr }): { handle: number } {
  using pd = file.objects.use<PD>('pd', arg.pd);
  const attr = checkAHAttr(arg.attr);
  const ah = new AH(pd.object, file.device.hca.createAH(pd.object.pdn, attr), attr);
  return { handle: file.objects.add('ah', ah) };
}

export function destroyAH(file: UverbsFile, arg: { handle: number }): void {
  using ah = file.objects.own<AH>('ah', arg.handle);
  ah.object.destroy(file.device.hca);
  file.objects.remove(ah.handle);
}
