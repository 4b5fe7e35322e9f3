import { NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS, offloadLayerOf, type MiniportOffloadBlockList, type OffloadHandle, type OffloadLayer, type TcpOffloadState } from '@ndis-chimney/types';

/** The five state-manipulation operations. */
export type StateOperationName = 'initiate' | 'query' | 'update' | 'invalidate' | 'terminate';

/** The legal transitions in the life of an offloaded object. */
const TRANSITIONS = {
  LC1: 'in the host, offered',
  LC2: 'offered, accepted',
  LC3: 'offered, refused',
  LC4: 'offloaded or invalid, queried',
  LC5: 'offloaded, updated',
  LC6: 'offloaded, update failed',
  LC7: 'offloaded, invalidated',
  LC8: 'offloaded, invalidate failed',
  LC9: 'offloaded or invalid, being terminated',
  LC10: 'being terminated, back in the host',
  LC11: 'being terminated, lost',
  LC12: 'lost, terminated once more',
  LC13: 'invalid neighbor, its path linked to another',
} as const;

/** The name of a transition. */
type Transition = keyof typeof TRANSITIONS;

/** How often each transition was taken. */
export type TransitionCounts = Record<Transition, number>;

/** No transition taken. */
export function noTransitions(): TransitionCounts {
  return { LC1: 0, LC2: 0, LC3: 0, LC4: 0, LC5: 0, LC6: 0, LC7: 0, LC8: 0, LC9: 0, LC10: 0, LC11: 0, LC12: 0, LC13: 0 };
}

/** Those that were never taken. */
export function missingFrom(counts: TransitionCounts): Transition[] {
  return (Object.keys(TRANSITIONS) as Transition[]).filter((transition) => counts[transition] === 0);
}

/** A line per transition. */
export function reportOf(counts: TransitionCounts): string {
  return (Object.keys(TRANSITIONS) as Transition[]).map((transition) => `${transition.padEnd(4)} ${String(counts[transition]).padStart(8)}  ${TRANSITIONS[transition]}`).join('\n');
}

/** An object that the target has, or is about to. */
export interface LedgerEntry {
  readonly layer: OffloadLayer;
  /** The host's port of a connection; 0 for the other layers. */
  readonly port: number;
  parent: LedgerEntry | null;
  readonly dependents: Set<LedgerEntry>;
  state: 'offloading' | 'offloaded' | 'invalid' | 'terminating' | 'lost';
  wasLost: boolean;
  /** Queries, updates and invalidates under way. */
  queries: number;
  updates: number;
  invalidates: number;
}

/**
 * What the target has according to the calls at its edge: an account of its own, kept by nobody who could be wrong in
 * the same way. It counts the transitions and notes whatever is none.
 */
export class ObjectLedger {
  readonly counts: TransitionCounts;
  readonly faults: string[] = [];
  private readonly entries = new Map<OffloadHandle, LedgerEntry>();

  /** @param counts where the transitions are counted. */
  constructor(counts: TransitionCounts = noTransitions()) {
    this.counts = counts;
  }

  /** Everything that is offloaded or in between. */
  get objects(): readonly LedgerEntry[] {
    return [...this.entries.values()];
  }

  /** A tree has come down. */
  begin(operation: StateOperationName, tree: MiniportOffloadBlockList): void {
    const named = new Set<LedgerEntry>();
    visit(tree, (block, above) => {
      const { ndisOffloadHandle: handle } = block;
      if (handle === null) return;
      if (operation === 'initiate') this.offered(block, handle, above);
      else this.named(operation, handle, named);
    });
    if (operation !== 'terminate') return;
    for (const entry of named) {
      for (const dependent of entry.dependents) if (!named.has(dependent)) this.fault(`a ${entry.layer} is terminated and keeps a ${dependent.layer}`);
    }
  }

  private offered(block: MiniportOffloadBlockList, handle: OffloadHandle, above: MiniportOffloadBlockList | null): void {
    const known = this.entries.get(handle);
    if (known !== undefined) {
      if (block.state !== null || (known.state !== 'offloaded' && known.state !== 'invalid')) this.fault(`a ${known.layer} that is ${known.state} is offered`);
      return;
    }
    const layer = offloadLayerOf(block.header.type);
    const aboveHandle = above?.ndisOffloadHandle ?? null;
    const parent = aboveHandle === null ? null : (this.entries.get(aboveHandle) ?? null);
    if (layer === null || (layer !== 'neighbor' && parent === null)) {
      this.fault(`a ${String(layer)} is offered under nothing`);
      return;
    }
    const port = layer === 'tcp' ? ((block.state as TcpOffloadState | null)?.const?.localPort ?? 0) : 0;
    const entry: LedgerEntry = { layer, port, parent, dependents: new Set(), state: 'offloading', wasLost: false, queries: 0, updates: 0, invalidates: 0 };
    parent?.dependents.add(entry);
    this.entries.set(handle, entry);
    this.counts.LC1++;
  }

  private named(operation: StateOperationName, handle: OffloadHandle, named: Set<LedgerEntry>): void {
    const entry = this.entries.get(handle);
    if (entry === undefined) {
      this.fault(`${operation} of an object that is not offloaded`);
      return;
    }
    const { state, queries, updates, invalidates } = entry;
    named.add(entry);
    const isWithTarget = state === 'offloaded' || state === 'invalid';
    switch (operation) {
      case 'query':
        if (!isWithTarget) this.fault(`query of a ${entry.layer} that is ${state}`);
        entry.queries++;
        break;
      case 'update':
        if (state !== 'offloaded' || updates > 0 || invalidates > 0) this.fault(`update of a ${entry.layer} that is ${state}, with ${updates} updates and ${invalidates} invalidates under way`);
        entry.updates++;
        break;
      case 'invalidate':
        if (!isWithTarget) this.fault(`invalidate of a ${entry.layer} that is ${state}`);
        entry.invalidates++;
        break;
      default:
        if ((!isWithTarget && state !== 'lost') || queries + updates + invalidates > 0) this.fault(`terminate of a ${entry.layer} that is ${state}, with ${queries} queries, ${updates} updates and ${invalidates} invalidates under way`);
        entry.wasLost = state === 'lost';
        if (!entry.wasLost) this.counts.LC9++;
        entry.state = 'terminating';
    }
  }

  /** A tree is about to go back up. */
  end(operation: StateOperationName, tree: MiniportOffloadBlockList): void {
    visit(tree, (block, above) => {
      const { ndisOffloadHandle: handle, status } = block;
      const entry = handle === null ? undefined : this.entries.get(handle);
      if (handle === null || entry === undefined) return;
      const isOver = status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      switch (operation) {
        case 'initiate':
          if (entry.state === 'offloading') this.answered(handle, entry, isOver);
          break;
        case 'query':
          entry.queries--;
          this.counts.LC4++;
          break;
        case 'update':
          entry.updates--;
          this.counts[isOver ? 'LC5' : 'LC6']++;
          if (isOver && above?.ndisOffloadHandle != null) this.linked(entry, this.entries.get(above.ndisOffloadHandle) ?? null);
          break;
        case 'invalidate':
          entry.invalidates--;
          this.counts[isOver ? 'LC7' : 'LC8']++;
          if (isOver) entry.state = 'invalid';
          break;
        default:
          this.terminated(handle, entry, isOver);
      }
    });
  }

  private answered(handle: OffloadHandle, entry: LedgerEntry, isAccepted: boolean): void {
    this.counts[isAccepted ? 'LC2' : 'LC3']++;
    if (isAccepted) entry.state = 'offloaded';
    else this.remove(handle, entry);
  }

  private linked(path: LedgerEntry, neighbor: LedgerEntry | null): void {
    if (path.parent === neighbor || neighbor === null) return;
    if (path.parent?.state === 'invalid') this.counts.LC13++;
    path.parent?.dependents.delete(path);
    path.parent = neighbor;
    neighbor.dependents.add(path);
  }

  private terminated(handle: OffloadHandle, entry: LedgerEntry, isOver: boolean): void {
    if (!isOver) {
      entry.state = 'lost';
      this.counts.LC11++;
      return;
    }
    this.counts[entry.wasLost ? 'LC12' : 'LC10']++;
    this.remove(handle, entry);
  }

  private remove(handle: OffloadHandle, entry: LedgerEntry): void {
    this.entries.delete(handle);
    entry.parent?.dependents.delete(entry);
  }

  private fault(what: string): void {
    this.faults.push(what);
  }
}

/** Visits the blocks of a tree, each with the one it hangs under. */
export function visit(first: MiniportOffloadBlockList, take: (block: MiniportOffloadBlockList, above: MiniportOffloadBlockList | null) => void, above: MiniportOffloadBlockList | null = null): void {
  for (let block: MiniportOffloadBlockList | null = first; block !== null; block = block.nextBlock) {
    take(block, above);
    if (block.dependentBlockList !== null) visit(block.dependentBlockList, take, block);
  }
}
