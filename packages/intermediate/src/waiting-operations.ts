import {
  BlockWalk,
  Dpc,
  NDIS_STATUS_FAILURE,
  type DeferredRoutine,
  type DpcQueue,
  type MiniportOffloadBlockList,
  type NdisMiniport,
} from '@ndis-chimney/types';

/** A relay that may find no memory. @returns false when it did not, with nothing changed. */
type Attempt = () => boolean;

/**
 * State operations for which an intermediate driver has no memory just now. An initiate is failed in every block; query,
 * update, invalidate and terminate must not fail for that, so they wait, in order, until a call entry is free.
 */
export class WaitingOperations implements DeferredRoutine {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private readonly walk: BlockWalk<MiniportOffloadBlockList> = new BlockWalk<MiniportOffloadBlockList>();
  private waiting: Attempt[] = [];
  private failed: { readonly miniport: NdisMiniport; readonly tree: MiniportOffloadBlockList }[] = [];

  constructor(dpcQueue: DpcQueue) {
    this.dpcQueue = dpcQueue;
  }

  /** Operations that wait. */
  get count(): number {
    return this.waiting.length;
  }

  /** Runs the relay, or keeps it for later when there is no memory or when others wait already. */
  attempt(relay: Attempt): void {
    if (this.waiting.length > 0 || !relay()) this.waiting.push(relay);
  }

  /** To be called whenever a call entry was released. */
  retry(): void {
    if (this.waiting.length > 0) this.dpcQueue.insert(this.dpc);
  }

  /** Fails every block of an initiate; the completion comes from a DPC. NBLs in the tree are not touched. */
  failInitiate(miniport: NdisMiniport, tree: MiniportOffloadBlockList): void {
    for (let block: MiniportOffloadBlockList | null = this.walk.start(tree); block !== null; block = this.walk.next(block)) {
      block.status = NDIS_STATUS_FAILURE;
    }
    this.failed.push({ miniport, tree });
    this.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { failed } = this;
    this.failed = [];
    for (const { miniport, tree } of failed) miniport.initiateOffloadComplete(tree);
    for (let relay = this.waiting[0]; relay !== undefined; relay = this.waiting[0]) {
      if (!relay()) return;
      this.waiting.shift();
    }
  }
}
