import { membersOf, present } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';

/** Places in a TCP header. */
export const HEADER = { SEQ: 4, ACK: 8, FLAGS: 13 } as const;

/** Taps of a target that takes forwarded segments for something else than they are. */
export function onForward(change: (header: DataView<ArrayBufferLike>, at: number) => void): MiniportTaps {
  let at = 0;
  return {
    miniportTcpOffloadForward: (next, adapter, connection, list) => {
      for (const nbl of membersOf(list)) {
        const { buffer, byteOffset } = present(present(nbl.firstNetBuffer).currentMdl);
        change(new DataView(buffer.buffer, buffer.byteOffset + byteOffset), at++);
      }
      return next(adapter, connection, list);
    },
  };
}

/** Takes these flags off every forwarded segment. */
export function withoutFlags(flags: number): MiniportTaps {
  return onForward((header) => {
    header.setUint8(HEADER.FLAGS, header.getUint8(HEADER.FLAGS) & ~flags);
  });
}
