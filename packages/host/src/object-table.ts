import type { NeighborOffloadState, NeighborOffloadStateCached, NeighborOffloadStateConst, PathOffloadState } from '@ndis-chimney/types';

import type { ConnectionState } from './connection-description.ts';
import type { HostAdapter, Placement } from './host-adapter.ts';
import { HostNeighbor } from './host-neighbor.ts';
import { HostPath } from './host-path.ts';
import type { OffloadedObject } from './offloaded-object.ts';

/**
 * The neighbors and paths of one adapter by their addresses, so that connections share them. Those that were invalidated
 * are not in it: what is offloaded from then on gets new ones.
 */
export class ObjectTable {
  private readonly neighbors = new Map<string, HostNeighbor>();
  private readonly adapter: HostAdapter;

  constructor(adapter: HostAdapter) {
    this.adapter = adapter;
  }

  /** The path for a connection, made when there is none, with a neighbor below it. */
  pathFor(state: ConnectionState, { neighbor, path }: Placement): HostPath {
    if (path !== undefined) {
      // A path that was taken back is offered again, on the neighbor of the new state.
      if (path.parent === null) this.link(path, neighbor ?? this.neighborFor(state.neighbor));
      return path;
    }
    const below = neighbor ?? this.neighborFor(state.neighbor);
    if (neighbor !== undefined) this.addNeighbor(neighbor);
    const key = pathKey(state.path.const?.sourceAddress, state.path.const?.destinationAddress);
    const found = below.paths.get(key);
    if (found !== undefined) return found;
    const made = new HostPath(this.adapter, state.path);
    this.link(made, below);
    return made;
  }

  private link(path: HostPath, neighbor: HostNeighbor): void {
    path.attach(neighbor);
    this.addPath(neighbor, path);
  }

  /** The neighbor with these addresses, made when there is none. */
  neighborFor(state: NeighborOffloadState): HostNeighbor {
    const made = new HostNeighbor(this.adapter, state);
    const found = this.neighbors.get(neighborKey(made.constState, made.cached));
    if (found !== undefined) return found;
    this.addNeighbor(made);
    return made;
  }

  private addNeighbor(neighbor: HostNeighbor): void {
    if (neighbor.offloadState === 'Invalid') return;
    const key = neighborKey(neighbor.constState, neighbor.cached);
    if (!this.neighbors.has(key)) this.neighbors.set(key, neighbor);
  }

  addPath(neighbor: HostNeighbor, path: HostPath): void {
    const key = pathKey(path.constState.sourceAddress, path.constState.destinationAddress);
    if (!neighbor.paths.has(key)) neighbor.paths.set(key, path);
  }

  /** Nothing new is to share the object. */
  forget(object: OffloadedObject): void {
    if (object.layer === 'path') this.forgetPath(object as HostPath);
    else if (object.layer === 'neighbor') this.forgetNeighbor(object as HostNeighbor, neighborKey((object as HostNeighbor).constState, (object as HostNeighbor).cached));
  }

  forgetPath(path: HostPath): void {
    const paths = (path.parent as HostNeighbor | null)?.paths;
    const key = pathKey(path.constState.sourceAddress, path.constState.destinationAddress);
    if (paths?.get(key) === path) paths.delete(key);
  }

  private forgetNeighbor(neighbor: HostNeighbor, key: string): void {
    if (this.neighbors.get(key) === neighbor) this.neighbors.delete(key);
  }

  /** Changes the address a neighbor is found by. */
  updateNeighbor(neighbor: HostNeighbor, change: () => void): void {
    const key = neighborKey(neighbor.constState, neighbor.cached);
    const isListed = this.neighbors.get(key) === neighbor;
    if (isListed) this.neighbors.delete(key);
    change();
    if (isListed) this.addNeighbor(neighbor);
  }
}

function neighborKey(constant: NeighborOffloadStateConst, cached: NeighborOffloadStateCached): string {
  return `${cached.dlDestinationAddress.join(',')}/${constant.dlSourceAddress.join(',')}/${constant.vlanId}`;
}

type Address = NonNullable<PathOffloadState['const']>['sourceAddress'] | undefined;

function pathKey(source: Address, destination: Address): string {
  return `${source?.join(',')}/${destination?.join(',')}`;
}
