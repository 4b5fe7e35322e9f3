import { NDIS_STATUS_SUCCESS, netBufferListDataLength, type NDIS_STATUS, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';

import { dataStartsOf } from '../record/lent-memory.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { BlockPicture, TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import { isOffloaded, isTargets, isWritten, nameOf } from '../judge/trees.ts';

/** What a target has no right to change about an NBL that stays the host's. */
interface NblPicture {
  readonly nbl: NetBufferList;
  readonly next: NetBufferList | null;
  readonly status: NDIS_STATUS;
  readonly dataStarts: number;
  readonly dataLength: number;
}

function pictureChain(chain: NetBufferList | null): NblPicture[] {
  const pictures: NblPicture[] = [];
  for (let nbl = chain; nbl !== null; nbl = nbl.next) {
    pictures.push({ nbl, next: nbl.next, status: nbl.status, dataStarts: dataStartsOf(nbl), dataLength: netBufferListDataLength(nbl) });
  }
  return pictures;
}

function isChanged({ nbl, next, status, dataStarts, dataLength }: NblPicture): boolean {
  return nbl.next !== next || nbl.status !== status || dataStartsOf(nbl) !== dataStarts || netBufferListDataLength(nbl) !== dataLength;
}

/** Memory of the received data that came with a connection. */
function memoryOf(list: NetBufferList | null): readonly Uint8Array<ArrayBufferLike>[] {
  const memory: Uint8Array<ArrayBufferLike>[] = [];
  for (let nbl = list; nbl !== null; nbl = nbl.next) {
    for (let mdl = nbl.firstNetBuffer?.mdlChain ?? null; mdl !== null; mdl = mdl.next) memory.push(mdl.buffer.subarray(mdl.byteOffset, mdl.byteOffset + mdl.byteCount));
  }
  return memory;
}

function overlaps(one: Uint8Array<ArrayBufferLike>, other: Uint8Array<ArrayBufferLike>): boolean {
  return one.buffer === other.buffer && one.byteOffset < other.byteOffset + other.byteLength && other.byteOffset < one.byteOffset + one.byteLength;
}

export const initiateDataRules: readonly Rule[] = [
  {
    id: 'CHIM-INI-014',
    actors: ['target'],
    severity: 'error',
    page: 'partial-offloads-and-offload-failures.md',
    holds: 'The send data of a connection that failed is as it was: none of its NBLs was changed or completed.',
    why: 'The host goes on sending from it.',
    cause: 'Look for a target that takes the chain over before it knows that it has room for the connection.',
    example: 'A connection fails, and the statuses of its NBLs say so too.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const chains = new WeakMap<TreeRecord, Map<BlockPicture, NblPicture[]>>();
      return {
        treeDown: (tree) => {
          if (tree.operation !== 'initiate' || tree.edge.lowerRole !== 'target') return;
          const withChain = tree.blocks.filter(({ chain }) => chain !== null);
          if (withChain.length > 0) chains.set(tree, new Map(withChain.map((picture) => [picture, pictureChain(picture.chain)])));
        },
        treeUp: (tree) => {
          if (!isTargets(tree)) return;
          for (const [picture, chain] of chains.get(tree) ?? []) {
            const { block } = picture;
            if (!isWritten(picture) || isOffloaded(block.status)) continue;
            const isOther = block.netBufferListChain !== picture.chain;
            if (isOther || chain.some(isChanged)) broken(tree.edge.lower, `fails ${nameOf(picture)} and has changed ${isOther ? 'its NetBufferListChain' : 'an NBL of its chain'}`, block, picture.chain);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-INI-015',
    actors: ['target'],
    severity: 'error',
    page: 'handling-buffered-receive-data-during-and-after-an-offload-operation.md',
    holds: 'Received data that came with a connection is copied before the initiate is completed.',
    why: 'From then on its memory is the host’s to use again.',
    cause: 'Look for a target that keeps the NBLs, or only their MDLs.',
    example: 'What the target indicates first lies in the memory that the host handed over.',
    observed: ['memory', 'up'],
    decidedBy: 'verifier',
    missing: 'Data that is copied too late, into memory of the target or into a receive request, is not told from data that was copied in time.',
    watch: ({ broken }) => {
      const lent = new WeakMap<ObjectRecord, readonly Uint8Array<ArrayBufferLike>[]>();
      return {
        treeUp: (tree) => {
          if (tree.operation !== 'initiate' || !isTargets(tree)) return;
          for (const { role, layer, object, state, block } of tree.blocks) {
            if (role !== 'new' || layer !== 'tcp' || object === null || block.status !== NDIS_STATUS_SUCCESS) continue;
            const memory = memoryOf((state as TcpOffloadState | null)?.delegated?.bufferedData ?? null);
            if (memory.length > 0) lent.set(object, memory);
          }
        },
        indicate: ({ object, edge, nbl }) => {
          // Once it is delivered, the host may use the memory for anything.
          if (object === null || object.undelivered === null) return;
          const memory = lent.get(object);
          if (memory === undefined) return;
          if (memoryOf(nbl).some((run) => memory.some((other) => overlaps(run, other)))) {
            broken(edge.lower, `indicates, for ${object.name}, memory that the host had handed over with it`, nbl, object.handle);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-INI-016',
    actors: ['target'],
    severity: 'error',
    page: 'processing-events-that-occur-during-an-offload.md',
    holds: 'No data of a connection is indicated before NdisMInitiateOffloadComplete for its tree has returned.',
    why: 'The host has to put what it had received itself in front.',
    cause: 'Look for an indication from inside a call that the host makes when it hears of the completion.',
    example: 'The host posts a receive as soon as it hears of the offload; the target indicates from inside that call.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const completing = new Set<ObjectRecord>();
      return {
        treeUp: (tree) => {
          if (tree.operation === 'initiate' && isTargets(tree)) for (const { object, role } of tree.blocks) if (object !== null && role === 'new') completing.add(object);
        },
        treeUpReturned: ({ blocks }) => {
          for (const { object } of blocks) if (object !== null) completing.delete(object);
        },
        indicate: ({ object, edge, nbl }) => {
          if (object !== null && completing.has(object)) broken(edge.lower, `indicates data of ${object.name} before the completion of its initiate has returned`, nbl, object.handle);
        },
      };
    },
  },
  {
    id: 'CHIM-INI-017',
    actors: ['target'],
    severity: 'advice',
    page: 'processing-events-that-occur-during-an-offload.md',
    holds: 'While an object is being offloaded a target makes no indications about it.',
    why: 'The host does not know yet whether it will have the object offloaded, and has to remember what it was told.',
    cause: 'Look for events that are raised where the connection is stored; raise them when the completion has returned.',
    example: 'A target asks for the upload of a connection before it has completed its initiate.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      event: (object, eventType) => {
        if (object.state === 'offloading' && object.edge.lowerRole === 'target') broken(object.edge.lower, `indicates event ${eventType} of ${object.name} while it is being offloaded`, object.handle);
      },
      question: (object, block) => {
        if (object.state === 'offloading' && object.edge.lowerRole === 'target') broken(object.edge.lower, `asks about ${object.name} while it is being offloaded`, block, object.handle);
      },
    }),
  },
];
