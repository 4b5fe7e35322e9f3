import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { blocksOf, membersOf, present, type ProbeStack, type ProbeStackOptions } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  OffloadBlockState,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TCP_OFFLOAD_EVENT_TYPE,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisOidRequest,
  type NetBufferList,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { acceptAll, segment } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

type Entry = OffloadEntry<PassThroughAdapter>;
type Make = NonNullable<ProbeStackOptions['createIntermediate']>;

/** A stack with one intermediate driver, of a class that does wrong from the moment it is told to. */
function behind(Driver: new (...args: Parameters<Make>) => PassThroughDriver): ProbeStackOptions {
  return { intermediates: 1, createIntermediate: (ndis, options) => new Driver(ndis, options) };
}

/** An intermediate driver that behaves until it is told not to. */
class Tempted extends PassThroughDriver {
  isBad = false;
}

/** Tells the intermediate driver of a stack to do wrong. */
function tempt({ intermediates }: ProbeStack): void {
  (intermediates[0] as Tempted).isBad = true;
}

/** Makes a scenario of one course of things, done by a driver that does wrong and by the same one when it does not. */
function scenario(rule: string, catches: string, Driver: new (...args: Parameters<Make>) => Tempted, act: (stack: ProbeStack) => void, isEventual = false): Scenario {
  return {
    rule,
    catches,
    actor: 'im1',
    stack: behind(Driver),
    isEventual,
    broken: (stack) => {
      tempt(stack);
      act(stack);
    },
    clean: act,
  };
}

function query(stack: ProbeStack): void {
  stack.host.binding.queryOffloadState(stack.host.connections(stack.connection));
  if (stack.target.trees.length > 0) stack.target.completeTree('query');
  stack.settle();
}

function terminate({ host, target, connection }: ProbeStack): void {
  host.binding.terminateOffload(host.connections(connection));
  target.completeTree('terminate');
}

function sendTwo({ host, target, connection }: ProbeStack): void {
  host.send(connection, 'a', 'b');
  target.completeSends();
}

/** Answers an update itself. */
class Shortcut extends Tempted {
  override miniportQueryOffload(edge: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
    if (!this.isBad) super.miniportQueryOffload(edge, tree);
    else this.failLater('query', edge, tree, NDIS_STATUS_SUCCESS);
  }
}

/** Keeps completed trees. */
class Keeper extends Tempted {
  override protocolQueryOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    if (!this.isBad) super.protocolQueryOffloadComplete(adapter, tree);
  }
}

/** Passes a terminate up with structures of its own. */
class Replacer extends Tempted {
  override protocolTerminateOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    const { state } = tree;
    if (this.isBad && state !== null) tree.state = new OffloadBlockState(state.const, state.cached, state.delegated);
    super.protocolTerminateOffloadComplete(adapter, tree);
  }
}

/** Leaves something of its own in ImReserved. */
class Litterer extends Tempted {
  override protocolQueryOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    if (!this.isBad) {
      super.protocolQueryOffloadComplete(adapter, tree);
      return;
    }
    const { tree: above, upperEdge } = this.blocks.up('query', tree);
    (above as unknown as OffloadBlockList).imReserved0 = this;
    upperEdge.miniport.queryOffloadStateComplete(above);
  }
}

/** Asks for the state of another connection than it was asked for. */
class Confused extends Tempted {
  other: OffloadHandle | null = null;
  private own: OffloadHandle | null = null;

  override miniportQueryOffload(edge: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
    if (!this.isBad) {
      super.miniportQueryOffload(edge, tree);
      return;
    }
    const below = present(this.blocks.down(tree, edge, edge.lower));
    this.own = below.offloadHandle;
    below.offloadHandle = this.other;
    edge.lower.queryOffloadState(below);
  }

  override protocolQueryOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    if (this.isBad) tree.offloadHandle = this.own;
    super.protocolQueryOffloadComplete(adapter, tree);
  }
}

/** Copies the cell from below. */
class Copier extends Tempted {
  override protocolInitiateOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    if (!this.isBad) {
      super.protocolInitiateOffloadComplete(adapter, tree);
      return;
    }
    const contexts = blocksOf(tree).map(({ offloadHandle }) => offloadHandle?.miniportOffloadContext ?? null);
    const { tree: above, upperEdge } = this.blocks.up('initiate', tree);
    const cells = blocksOf(above).map(({ miniportOffloadContext }) => present(miniportOffloadContext));
    const own = cells.map(({ miniportOffloadContext }) => miniportOffloadContext);
    const last = cells.length - 1;
    present(cells[last]).miniportOffloadContext = contexts[last] ?? null;
    upperEdge.miniport.initiateOffloadComplete(above);
    present(cells[last]).miniportOffloadContext = own[last] ?? null;
  }
}

/** Never frees the entries of objects that come back. */
class Hoarder extends Tempted {
  override protocolTerminateOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    if (this.isBad) this.ndis.observer?.allocated?.('IM_OFFLOAD_ENTRY', {}, this.name);
    super.protocolTerminateOffloadComplete(adapter, tree);
  }
}

/** Closes with an RST what was to be closed with a FIN. */
class Brute extends Tempted {
  override miniportTcpOffloadDisconnect(edge: PassThroughAdapter, entry: Entry, nbl: NetBufferList, flags: number): NDIS_STATUS {
    return super.miniportTcpOffloadDisconnect(edge, entry, nbl, this.isBad ? TCP_DISCONNECT_ABORTIVE_CLOSE : flags);
  }
}

/** Forgets all but the first NET_BUFFER_LIST of a completion. */
class Forgetful extends Tempted {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
    if (this.isBad) list.next = null;
    super.protocolTcpOffloadSendComplete(adapter, list);
  }
}

/** Has no memory, and says so in its own words. */
class Blunt extends Tempted {
  override miniportTcpOffloadForward(edge: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
    if (!this.isBad) return this.failRequest('forward', edge, entry, list);
    for (const nbl of membersOf(list)) nbl.status = NDIS_STATUS_RESOURCES;
    this.completions.addFirstTry(edge, () => {
      edge.handlers.tcpOffloadForwardComplete(list);
    });
    return NDIS_STATUS_PENDING;
  }
}

/** Turns completed lists round. */
class Reverser extends Tempted {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
    if (!this.isBad) {
      super.protocolTcpOffloadSendComplete(adapter, list);
      return;
    }
    let reversed: NetBufferList | null = null;
    for (const nbl of membersOf(list)) {
      nbl.next = reversed;
      reversed = nbl;
    }
    super.protocolTcpOffloadSendComplete(adapter, present(reversed));
  }
}

/** Counts transferred bytes its own way. */
class Miscounter extends Tempted {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
    if (this.isBad) list.tcpOffloadBytesTransferred = 0;
    super.protocolTcpOffloadSendComplete(adapter, list);
  }
}

/** Takes one event for another, or for none. */
class Mishearing extends Tempted {
  override protocolTcpOffloadEvent(handle: OffloadHandle<Entry>, eventType: number, information: number): void {
    super.protocolTcpOffloadEvent(handle, this.isBad ? TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort : eventType, information);
  }
}

/** Does not pass events on. */
class Deaf extends Tempted {
  override protocolTcpOffloadEvent(handle: OffloadHandle<Entry>, eventType: number, information: number): void {
    if (!this.isBad) super.protocolTcpOffloadEvent(handle, eventType, information);
  }
}

/** Says that it refused what was accepted in part. */
class Denier extends Tempted {
  override protocolTcpOffloadReceiveIndicate(handle: OffloadHandle<Entry>, nbl: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    const answer = super.protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed);
    if (!this.isBad) return answer;
    bytesConsumed.value = 0;
    return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
  }
}

/** Keeps what is returned. */
class Collector extends Tempted {
  override miniportTcpOffloadReceiveReturn(edge: PassThroughAdapter, list: NetBufferList): NDIS_STATUS {
    return this.isBad ? NDIS_STATUS_SUCCESS : super.miniportTcpOffloadReceiveReturn(edge, list);
  }
}

/** Answers set requests itself. */
class Selfish extends Tempted {
  override miniportOidRequest(adapter: PassThroughAdapter, request: NdisOidRequest): NDIS_STATUS {
    return this.isBad ? NDIS_STATUS_SUCCESS : super.miniportOidRequest(adapter, request);
  }
}

export const intermediateScenarios: readonly Scenario[] = [
  scenario('CHIM-IM-001', 'an intermediate driver that answers a query itself', Shortcut, query),
  scenario('CHIM-IM-002', 'an intermediate driver that keeps a completed query', Keeper, query, true),
  scenario('CHIM-IM-003', 'an intermediate driver that passes structures of its own up', Replacer, terminate),
  scenario('CHIM-IM-004', 'an intermediate driver that leaves something in ImReserved', Litterer, query),
  {
    rule: 'CHIM-IM-005',
    catches: 'an intermediate driver that asks for the state of another connection',
    actor: 'im1',
    stack: behind(Confused),
    broken: (stack) => {
      const tree = stack.host.offload();
      stack.target.completeTree('initiate');
      (stack.intermediates[0] as Confused).other = stack.lowest(present(tree.connections[0]));
      tempt(stack);
      query(stack);
    },
    clean: (stack) => {
      stack.host.offload();
      stack.target.completeTree('initiate');
      query(stack);
    },
  },
  scenario('CHIM-IM-006', 'an intermediate driver that copies the cell from below', Copier, ({ host, target }) => {
    host.offload();
    target.completeTree('initiate');
  }),
  scenario(
    'CHIM-IM-007',
    'an intermediate driver that keeps an entry',
    Hoarder,
    (stack) => {
      stack.terminateAll();
    },
    true,
  ),
  scenario('CHIM-IM-008', 'an intermediate driver that resets what was to be closed', Brute, ({ host, target, connection }) => {
    host.disconnect(connection, TCP_DISCONNECT_GRACEFUL_CLOSE);
    target.completeDisconnect();
  }),
  {
    rule: 'CHIM-IM-008',
    catches: 'an intermediate driver that sends on another connection',
    actor: 'im1',
    stack: behind(
      class extends Tempted {
        other: Entry | null = null;

        override miniportTcpOffloadSend(edge: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          if (!this.isBad) this.other = entry;
          return super.miniportTcpOffloadSend(edge, this.other ?? entry, list);
        }
      },
    ),
    broken: (stack) => {
      const tree = stack.host.offload();
      stack.target.completeTree('initiate');
      stack.host.send(stack.connection, 'a');
      stack.target.completeSends();
      tempt(stack);
      stack.host.send(present(tree.connections[0]), 'b');
    },
    clean: (stack) => {
      const tree = stack.host.offload();
      stack.target.completeTree('initiate');
      stack.host.send(stack.connection, 'a');
      stack.host.send(present(tree.connections[0]), 'b');
      stack.target.completeSends();
    },
  },
  scenario('CHIM-IM-009', 'an intermediate driver that forgets the second of two sends', Forgetful, sendTwo, true),
  scenario('CHIM-IM-011', 'an intermediate driver that says in its own words that it has no memory', Blunt, (stack) => {
    stack.host.forward(stack.connection, segment('a'), segment('b'));
    stack.settle();
  }),
  scenario('CHIM-IM-012', 'an intermediate driver that turns a completed list round', Reverser, sendTwo),
  scenario('CHIM-IM-013', 'an intermediate driver that changes the transferred bytes', Miscounter, sendTwo),
  scenario('CHIM-IM-014', 'an intermediate driver that makes a reset of a FIN', Mishearing, (stack) => {
    stack.target.event(stack.lowest(stack.connection), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
  }),
  scenario('CHIM-IM-014', 'an intermediate driver that keeps an event to itself', Deaf, (stack) => {
    stack.target.event(stack.lowest(stack.connection), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect);
  }),
  scenario('CHIM-IM-015', 'an intermediate driver that denies what the host has taken', Denier, (stack) => {
    stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed) => {
      bytesConsumed.value = 1;
      return NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    });
    stack.target.indicate(stack.lowest(stack.connection), 'ab');
  }),
  scenario(
    'CHIM-IM-016',
    'an intermediate driver that keeps what the host has returned',
    Collector,
    (stack) => {
      acceptAll(stack);
      const { netBufferList } = stack.target.indicate(stack.lowest(stack.connection), 'a');
      stack.host.binding.offloadTcpReceiveReturn(netBufferList);
    },
    true,
  ),
  scenario('CHIM-IM-017', 'an intermediate driver that answers a set request itself', Selfish, (stack) => {
    stack.enable();
  }),
];

