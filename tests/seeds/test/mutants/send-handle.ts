import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { blocksOf, type Content } from '@ndis-chimney/kit';
import { offloadLayerOf, type NDIS_STATUS, type NdisBinding, type NetBufferList, type OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { Mutant } from '../mutant.ts';
import { SeedHost } from '../world/seed-host.ts';

type Entry = OffloadEntry<PassThroughAdapter>;

/** The connections of a tree. */
function connectionsOf(tree: ProtocolOffloadBlockList): OffloadHandle[] {
  return blocksOf(tree).flatMap(({ header, offloadHandle }) => (offloadLayerOf(header.type) === 'tcp' && offloadHandle !== null ? [offloadHandle] : []));
}

/** Has one current connection per adapter. */
class RelaysOnLastConnection extends PassThroughDriver {
  private readonly current = new Map<PassThroughAdapter, Entry>();

  override protocolInitiateOffloadComplete(adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    for (const { owner } of connectionsOf(offloadBlockList)) this.current.set(adapter, owner as Entry);
    super.protocolInitiateOffloadComplete(adapter, offloadBlockList);
  }

  override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    return super.miniportTcpOffloadSend(adapter, this.current.get(adapter) ?? entry, netBufferList);
  }
}

/** Has one current connection per binding. */
class SendsOnLastConnection extends SeedHost {
  private readonly current = new Map<NdisBinding, OffloadHandle>();

  override initiate(root: ProtocolOffloadBlockList, binding: NdisBinding): void {
    for (const connection of connectionsOf(root)) this.current.set(binding, connection);
    super.initiate(root, binding);
  }

  override send(connection: OffloadHandle, ...contents: Content[]): NetBufferList {
    return super.send(this.current.get(connection.binding) ?? connection, ...contents);
  }
}

export const sendHandle: readonly Mutant[] = [
  {
    group: 'SND-HANDLE',
    party: 'an intermediate driver',
    does: 'sends everything on the connection that was offloaded last',
    createFaults: () => ({ createIntermediate: (ndis, options) => new RelaysOnLastConnection(ndis, options) }),
  },
  {
    group: 'SND-HANDLE',
    party: 'the host',
    does: 'sends everything on the connection that it offloaded last',
    createFaults: () => ({ createHost: (ndis) => new SendsOnLastConnection(ndis) }),
  },
];
