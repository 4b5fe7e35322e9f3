import type { NdisTcpConnectionOffloadParameters } from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';
import type { HostNeighbor } from './host-neighbor.ts';
import type { HostPath } from './host-path.ts';
import type { ReachabilityPolicy } from './reachability.ts';

/** A target's request to have a connection taken back, for a reason that the host may ignore. */
export interface UploadRequest {
  readonly connection: ChimneyConnection;
  /** A TCP_UPLOAD_REASON. */
  readonly reason: number;
}

/** Decides whether such a request is obeyed. */
export type UploadPolicy = (request: UploadRequest) => boolean;

/** Options of `ChimneyHost`. */
export interface ChimneyHostOptions {
  /** Names the driver. Default `chimney-host`. */
  readonly name?: string;
  /** Set on every adapter before anything is offloaded. Default: the documented defaults. */
  readonly parameters?: NdisTcpConnectionOffloadParameters;
  /** Answers neighbor reachability queries. Default: every neighbor is confirmed. */
  readonly reachability?: ReachabilityPolicy;
  /** Decides about upload requests that are optional. Default: they are ignored. Mandatory ones are always obeyed. */
  readonly uploadPolicy?: UploadPolicy;
}

/** Options of an offload. */
export interface OffloadOptions {
  /** Which adapter; the only one, when there is one, by default. */
  readonly adapterName?: string;
  /** Share this neighbor instead of the one with the described addresses. */
  readonly neighbor?: HostNeighbor;
  /** Share this path, and its neighbor, instead of the one with the described addresses. */
  readonly path?: HostPath;
}

/** What happens to an adapter that the host is bound to. */
export interface AdapterEvent {
  readonly adapterName: string;
  /**
   * `offloadPause`, `uploadAll`, `offloadResume`: the status indications, which the host obeys by itself. `media…`: the
   * link; what is offloaded stays where it is unless somebody terminates it.
   */
  readonly type: 'bound' | 'unbound' | 'offloadPause' | 'uploadAll' | 'offloadResume' | 'mediaConnect' | 'mediaDisconnect';
}
