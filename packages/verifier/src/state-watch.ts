import { DDI_CROSSING, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type NetBufferList, type OffloadBlockList, type TcpOffloadState } from '@ndis-chimney/types';

import { treeOf, type Ledger } from './ledger.ts';
import type { EdgeRecord } from './record/edge-record.ts';
import { handOverOf } from './record/hand-over.ts';
import { IndicationRecord } from './record/indication-record.ts';
import type { ObjectRecord } from './record/object-record.ts';
import * as objects from './record/objects.ts';
import { undeliveredOf } from './record/undelivered.ts';
import { UNWRITTEN, picturesOf, type BlockPicture, type StateOperationName, type TreeRecord } from './record/tree-record.ts';

/** Watches state operations go down and come back. */
export class StateWatch {
  private readonly ledger: Ledger;
  /** What was lost before it was terminated again, tree by tree, while the calls have not returned. */
  private readonly lost = new Map<TreeRecord, ReadonlySet<ObjectRecord>>();

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  down(edge: EdgeRecord, operation: StateOperationName, root: OffloadBlockList): void {
    const { ledger } = this;
    const above = this.relayedBy(edge, root);
    const tree: TreeRecord = { edge, operation, root, atMs: ledger.clock.now(), blocks: picturesOf(root, edge), isEntering: true, isOverlapping: false, isFailedByNdis: false, above, passedOn: 0, cameBack: 0 };
    ledger.before(() => {
      for (const hook of ledger.hooks.treeDown) hook(tree);
    });
    const lost = new Set<ObjectRecord>();
    for (const { object } of tree.blocks) if (object?.state === 'lost') lost.add(object);
    if (operation === 'query') markOverlaps(tree);
    for (const { block } of tree.blocks) block.status = UNWRITTEN;
    objects.begin(tree);
    edge.trees.set(root, tree);
    this.lost.set(tree, lost);
    if (above !== null) {
      above.passedOn++;
      if (operation === 'initiate') linkToAbove(tree, above);
    }
    if (operation === 'initiate') for (const picture of tree.blocks) this.takeOver(edge, picture);
    ledger.began();
  }

  /** The operation above an intermediate driver that has the same root. */
  private relayedBy({ upper, upperRole }: EdgeRecord, root: OffloadBlockList): TreeRecord | null {
    if (upperRole !== 'intermediate') return null;
    for (const edge of this.ledger.edges.all) {
      const tree = edge.lower === upper ? edge.trees.get(root) : undefined;
      if (tree !== undefined) return tree;
    }
    return null;
  }

  /** What a new connection brings. */
  private takeOver(edge: EdgeRecord, picture: BlockPicture): void {
    const { object, state, chain, role } = picture;
    if (object === null || role !== 'new' || object.layer !== 'tcp') return;
    object.handedOver = handOverOf(state, chain);
    object.lastSendUpMs = this.ledger.clock.now();
    if (!this.ledger.followsRequests) return;
    if (object.handedOver !== null) object.bytesSent += object.handedOver.chainBytes;
    const buffered = (state as TcpOffloadState | null)?.delegated?.bufferedData ?? null;
    if (edge.lowerRole === 'target' && buffered !== null) object.undelivered = undeliveredOf(buffered);
    this.inherit(edge, object, chain);
  }

  /** The NBLs of a chain that is handed over are sends from then on. */
  private inherit(edge: EdgeRecord, object: ObjectRecord, chain: NetBufferList | null): void {
    const { requests, clock } = this.ledger;
    const callOrdinal = edge.requestCount + 1;
    for (let nbl = chain; nbl !== null; nbl = nbl.next) {
      const nowMs = clock.now();
      const request = requests.take(nbl, edge, object, 'send', nowMs, 0);
      request.isInherited = true;
      request.callOrdinal = callOrdinal;
      requests.follow(nbl, edge, DDI_CROSSING.initiateOffload, nowMs);
      requests.begin(request);
    }
  }

  downReturned(edge: EdgeRecord, root: OffloadBlockList, status: NDIS_STATUS): void {
    const tree = treeOf(edge, root);
    if (tree === null) return;
    tree.isEntering = false;
    const lost = this.lost.get(tree) ?? new Set<ObjectRecord>();
    this.lost.delete(tree);
    if (status === NDIS_STATUS_FAILURE) {
      // A later observer stopped the call: the tree is the caller's as it was.
      edge.trees.delete(root);
      if (tree.above !== null) tree.above.passedOn--;
      for (const { object } of tree.blocks) if (object !== null && tree.operation === 'initiate') this.endInherited(object);
      objects.undo(tree, lost);
      for (const { block, status: before } of tree.blocks) block.status = before;
      return;
    }
    for (const hook of this.ledger.hooks.treeDownReturned) hook(tree);
  }

  /** @param isFailedByNdis the completion is none of the driver's below. */
  up(edge: EdgeRecord, operation: StateOperationName, root: OffloadBlockList, isFailedByNdis: boolean): void {
    const tree = treeOf(edge, root);
    if (tree === null || tree.operation !== operation) return;
    const { ledger } = this;
    tree.isFailedByNdis = isFailedByNdis;
    ledger.before(() => {
      for (const hook of ledger.hooks.treeUp) hook(tree);
    });
    edge.trees.delete(root);
    if (tree.above !== null) tree.above.cameBack++;
    for (const { object, block } of tree.blocks) {
      if (object === null) continue;
      if (operation === 'initiate' && block.status !== NDIS_STATUS_SUCCESS && object.layer === 'tcp') this.endInherited(object);
      if (operation === 'terminate' && block.status === NDIS_STATUS_SUCCESS) this.giveBack(object, block);
      if (block.status === NDIS_STATUS_FAILURE && !isFailedByNdis && (operation === 'query' || operation === 'invalidate' || operation === 'terminate')) object.hardwareFailure ??= operation;
    }
    objects.end(tree);
    for (const { object } of tree.blocks) if (object?.state === 'back') for (const hook of ledger.hooks.objectEnds) hook(object);
    this.ended.push(tree);
  }

  private readonly ended: TreeRecord[] = [];

  upReturned(): void {
    const tree = this.ended.pop();
    if (tree !== undefined) for (const hook of this.ledger.hooks.treeUpReturned) hook(tree);
  }

  private endInherited({ pending }: ObjectRecord): void {
    for (const request of [...pending.send]) {
      if (!request.isInherited) continue;
      this.ledger.requests.end(request);
      this.ledger.requests.give(request);
    }
  }

  /** What a terminate brings back in its tree: sends, and received data that the driver above has yet to return. */
  private giveBack(object: ObjectRecord, block: OffloadBlockList): void {
    const { requests, clock } = this.ledger;
    const nowMs = clock.now();
    if (object.layer === 'tcp') object.handedBack = handOverOf(block.state, block.netBufferListChain);
    for (let nbl = block.netBufferListChain; nbl !== null; nbl = nbl.next) {
      const request = requests.find(nbl, object.edge);
      if (request !== null) {
        requests.end(request);
        requests.give(request);
      }
      requests.follow(nbl, object.edge, DDI_CROSSING.terminateOffloadComplete, nowMs);
    }
    const delegated = object.layer === 'tcp' ? (block.state as TcpOffloadState | null)?.delegated : null;
    for (let nbl: NetBufferList | null = delegated?.bufferedData ?? null; nbl !== null; nbl = nbl.next) {
      const record = new IndicationRecord(object.edge, null, nbl, nowMs, nbl.firstNetBuffer?.dataLength ?? 0);
      requests.follow(nbl, object.edge, DDI_CROSSING.terminateOffloadComplete, nowMs).indications.push(record);
      object.edge.kept.add(record);
    }
  }
}

/** Queries of one object may be under way together: those that are, are marked. */
function markOverlaps(tree: TreeRecord): void {
  const queried = new Set(tree.blocks.flatMap(({ object }) => (object !== null && object.queries > 0 ? [object] : [])));
  if (queried.size === 0) return;
  tree.isOverlapping = true;
  for (const other of tree.edge.trees.values()) {
    if (other.operation === 'query' && other.blocks.some(({ object }) => object !== null && queried.has(object))) other.isOverlapping = true;
  }
}

/** New objects of an operation that is relayed in place are there for those above. */
function linkToAbove({ blocks }: TreeRecord, above: TreeRecord): void {
  const objects = new Map(above.blocks.map(({ block, object }) => [block, object]));
  for (const { block, object, role } of blocks) if (object !== null && role === 'new') object.above = objects.get(block) ?? null;
}
