import { offloadLayerOf, type NdisBinding, type OffloadBlockList, type OffloadHandle } from '@ndis-chimney/types';

import { BlockListReuse } from './block-list-reuse.ts';
import type { CallEntry } from './call-entry.ts';
import { MuxEntry, MuxShared } from './mux-entry.ts';
import type { MuxLower } from './mux-lower.ts';
import type { MuxUpper } from './mux-upper.ts';

/**
 * Block lists of a mux: as those of any intermediate driver, except that neighbors and paths have an entry per lower
 * adapter. It also makes and ends the entries of trees that the mux builds itself.
 */
export class MuxBlockLists extends BlockListReuse<MuxUpper> {
  protected override entryOf(block: OffloadBlockList, lowerBinding: NdisBinding, upperHandle: OffloadHandle): MuxEntry | null {
    const context = upperHandle.miniportOffloadContext;
    if (context === null || offloadLayerOf(block.header.type) === 'tcp') return context as MuxEntry | null;
    return (context as MuxShared).replicaOn(lowerOf(lowerBinding));
  }

  protected override createEntry(block: OffloadBlockList, upperHandle: OffloadHandle, upper: MuxUpper, lowerBinding: NdisBinding): MuxEntry {
    const shared = offloadLayerOf(block.header.type) === 'tcp' ? null : new MuxShared(block, upper);
    return new MuxEntry(lowerOf(lowerBinding), upperHandle, upper, shared);
  }

  protected override count(block: OffloadBlockList, upper: MuxUpper, entry: MuxEntry): boolean {
    if (!super.count(block, upper, entry)) return false;
    if (entry.shared === null) entry.lower.arriving++;
    return true;
  }

  protected override dismiss(block: OffloadBlockList, entry: MuxEntry): void {
    if (entry.shared === null) entry.lower.arriving--;
    super.dismiss(block, entry);
  }

  protected override keep(_block: OffloadBlockList, entry: MuxEntry): void {
    this.settle(entry);
  }

  protected override drop(entry: MuxEntry): void {
    const { lower, shared } = entry;
    lower.remove(entry);
    if (shared !== null) shared.replicas.splice(shared.replicas.indexOf(entry), 1);
    super.drop(entry);
  }

  /** Takes the memory of one operation, for one that is not relayed in place; null when there is none. */
  takeCall(upper: MuxUpper): CallEntry<MuxUpper> | null {
    return this.calls.allocate(this.ndis, upper);
  }

  /** Gives it back. */
  giveCall(call: CallEntry<MuxUpper>): void {
    this.calls.release(this.ndis, call);
  }

  /**
   * Makes the entry of an object that is new below an adapter, with contexts on the send data of its block.
   * @param shared what it is a replica of; null for a connection.
   * @returns null, with nothing changed, when there is no memory for it.
   */
  take(lower: MuxLower, block: OffloadBlockList, upperHandle: OffloadHandle, upper: MuxUpper, shared: MuxShared | null): MuxEntry | null {
    const entry = new MuxEntry(lower, upperHandle, upper, shared);
    return this.count(block, upper, entry) ? entry : null;
  }

  /** The object of a new entry was offloaded. */
  settle(entry: MuxEntry): void {
    const { lower, shared } = entry;
    lower.add(entry);
    if (shared === null) {
      lower.arriving--;
      entry.upperHandle.miniportOffloadContext = entry;
      return;
    }
    shared.replicas.push(entry);
    shared.upperHandle.miniportOffloadContext = shared;
  }

  /** The object of a new entry was not offloaded. */
  untake(block: OffloadBlockList, entry: MuxEntry): void {
    this.dismiss(block, entry);
  }

  /** The object of an entry came back. */
  end(entry: MuxEntry): void {
    this.drop(entry);
  }

  /** Data that came back in a block of a terminate that is not relayed in place. */
  takeBack(block: OffloadBlockList, lower: MuxLower): void {
    this.takeReturned(block, lower.binding);
  }
}

function lowerOf(lowerBinding: NdisBinding): MuxLower {
  return lowerBinding.protocolBindingContext as MuxLower;
}
