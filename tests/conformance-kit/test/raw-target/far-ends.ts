import type { TcpOffloadStateConst, TcpOffloadStateDelegated } from '@ndis-chimney/types';

import { FarEnd } from './far-end.ts';

/** The far ends of a target, by their ports. */
export class FarEnds {
  private readonly all = new Map<string, FarEnd>();

  /** The far end that a connection leads to: the one it had, if it goes on there, or a new one. */
  for({ localPort, remotePort }: TcpOffloadStateConst, { sndUna, sndMax, rcvNxt }: TcpOffloadStateDelegated, hasFin: boolean, isEnded: boolean): FarEnd {
    const key = `${localPort} ${remotePort}`;
    const known = this.all.get(key);
    if (known?.continues(sndUna, sndMax, rcvNxt) === true) return known;
    const farEnd = new FarEnd(sndUna, rcvNxt, hasFin, isEnded);
    this.all.set(key, farEnd);
    return farEnd;
  }

  at(hostPort: number, peerPort: number): FarEnd {
    const farEnd = this.all.get(`${hostPort} ${peerPort}`);
    if (farEnd === undefined) throw new Error(`no connection between ports ${hostPort} and ${peerPort} was offloaded`);
    return farEnd;
  }
}
