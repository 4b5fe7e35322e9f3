import { TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE } from '@ndis-chimney/types';

import { checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { checkEvents } from './events.ts';
import type { TargetCase } from './target-case.ts';

const { FIN } = SEGMENT_FLAG;
const { TcpIndicateDisconnect } = TCP_OFFLOAD_EVENT_TYPE;

/** Checks what was delivered, and that RcvNxt says the same. @param fin 1 when the FIN counts too. */
async function checkDelivered(connection: WorldConnection, count: number, when: string, fin: 0 | 1 = 0): Promise<void> {
  await connection.world.settle();
  checkBytes(connection.received, pattern(0, count), `what was received ${when}`);
  const { rcvNxt } = present((await connection.query()).delegated);
  checkEqual((rcvNxt - connection.rcvNxt) | 0, count + fin, `bytes that RcvNxt counts ${when}`);
}

/** What happens to segments that come out of sequence, in a target that keeps them. */
export const reassemblyCases: readonly TargetCase[] = [
  {
    id: 'target-reassembly-holes',
    title: 'Two holes can be filled: what came behind them is kept, and delivered when its turn comes',
    rules: ['CHIM-FWD-005', 'CHIM-RXI-009', 'CHIM-ST-007'],
    requirement: 'C-TCP-HOLES',
    requires: ['forward', 'reassembly'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 100, length: 100 }, { at: 300, length: 100 });
      await checkDelivered(connection, 0, 'with two holes');
      connection.forward({ at: 0, length: 100 });
      await checkDelivered(connection, 200, 'with the first hole filled');
      connection.forward({ at: 200, length: 100 });
      await checkDelivered(connection, 400, 'with both holes filled');
      connection.forward({ at: 400, length: 10 });
      await checkDelivered(connection, 410, 'in sequence again');
    },
  },
  {
    id: 'target-reassembly-holes-from-behind',
    title: 'Holes can be filled from behind, and by segments that overlap what is kept',
    rules: ['CHIM-FWD-005', 'CHIM-ST-007'],
    requirement: 'C-TCP-HOLES',
    requires: ['forward', 'reassembly'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 300, length: 100 }, { at: 100, length: 100 }, { at: 150, length: 200 });
      await checkDelivered(connection, 0, 'with the first bytes missing');
      connection.forward({ at: 0, length: 120 });
      await checkDelivered(connection, 400, 'when the first bytes came');
    },
  },
  {
    id: 'target-reassembly-fin-in-order',
    title: 'When a FIN comes in sequence, what was kept beyond it is thrown away',
    rules: ['CHIM-EVT-001', 'CHIM-ST-007'],
    requirement: 'C-TCP-OOOFIN-1',
    requires: ['forward', 'reassembly', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 60, length: 40 }, { at: 51, length: 9 });
      await checkDelivered(connection, 0, 'with the first bytes missing');
      connection.forward({ at: 0, length: 50, flags: FIN });
      await checkDelivered(connection, 50, 'after a FIN', 1);
      checkEvents(connection, [TcpIndicateDisconnect]);
      connection.forward({ at: 50, length: 1 }, { at: 51, length: 9 });
      await world.advance(2000);
      await checkDelivered(connection, 50, 'after a FIN and data beyond it', 1);
      checkEvents(connection, [TcpIndicateDisconnect]);
      const { delegated, buffered } = await connection.terminate();
      checkEqual([delegated.state, buffered.length], [TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionCloseWait, 0], 'TCP state that was given back, and bytes of BufferedData');
    },
  },
  {
    id: 'target-reassembly-fin-out-of-order',
    title: 'Nothing is kept beyond a FIN that is kept itself: what comes there is dropped, and so is all that was kept',
    rules: ['CHIM-EVT-001', 'CHIM-ST-007'],
    requirement: 'C-TCP-OOOFIN-2',
    requires: ['forward', 'reassembly', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 100, length: 50, flags: FIN });
      connection.forward({ at: 160, length: 40 });
      await world.advance(1000);
      checkEvents(connection, []);
      connection.forward({ at: 0, length: 100 });
      await checkDelivered(connection, 100, 'after something came beyond a FIN that was kept');
      checkEvents(connection, []);
      connection.forward({ at: 100, length: 50, flags: FIN });
      await checkDelivered(connection, 150, 'after the FIN came once more', 1);
      checkEvents(connection, [TcpIndicateDisconnect]);
    },
  },
  {
    id: 'target-reassembly-fin-kept',
    title: 'A FIN that is kept counts when the data in front of it has come',
    rules: ['CHIM-EVT-001', 'CHIM-FWD-005'],
    requirement: 'C-TCP-OOOFIN-2',
    requires: ['forward', 'reassembly', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 100, length: 50, flags: FIN }, { at: 40, length: 60 });
      await world.advance(1000);
      checkEvents(connection, []);
      connection.forward({ at: 0, length: 40 });
      await checkDelivered(connection, 150, 'with everything in front of a FIN', 1);
      checkEvents(connection, [TcpIndicateDisconnect]);
    },
  },
];
