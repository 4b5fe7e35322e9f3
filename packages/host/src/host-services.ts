import type { NdisBinding, NetBufferList } from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';
import type { RequestPool } from './request-pool.ts';

/** What a connection needs of its host. */
export interface HostServices {
  readonly requests: RequestPool;
  /** Gives indicated NBLs back, from a DPC, after the indication has returned. */
  returnLater(binding: NdisBinding, netBufferList: NetBufferList): void;
  /** Uploads a connection, from a DPC: not from inside the event that asks for it. */
  uploadLater(connection: ChimneyConnection): void;
  /** The connection is the host's again. */
  remove(connection: ChimneyConnection): void;
  /** A terminate ended without these NBLs: neither completed nor handed back. */
  reportLost(binding: NdisBinding, netBufferLists: readonly NetBufferList[]): void;
}
