export { ChimneyConnection } from './connection.ts';
export type { ConnectionChange } from './connection-change.ts';
export { describeConnection } from './connection-description.ts';
export type { ConnectionDescription, ConnectionState, Endpoint } from './connection-description.ts';
export { ChimneyHost } from './chimney-host.ts';
export { locateSequence } from './data-in-flight.ts';
export type { DisconnectOptions, ReceiveOptions } from './data-requests.ts';
export { HostNeighbor } from './host-neighbor.ts';
export type { NeighborChange } from './host-neighbor.ts';
export type { AdapterEvent, ChimneyHostOptions, OffloadOptions, UploadPolicy, UploadRequest } from './host-options.ts';
export { HostPath } from './host-path.ts';
export type { PathChange } from './host-path.ts';
export { remainingTicks } from './inherited-timers.ts';
export type { StateClass } from './layer-blocks.ts';
export { createOffloadParameters } from './offload-parameters.ts';
export type { OffloadParametersOptions } from './offload-parameters.ts';
export type { OffloadState, OffloadStateChange, OffloadStateReason, UploadReason, UserUploadReason } from './offload-state.ts';
export { OffloadedObject } from './offloaded-object.ts';
export { confirmNeighbor, hasProgressed } from './reachability.ts';
export type { ReachabilityPolicy, ReachabilityQuery } from './reachability.ts';
export type {
  ChimneyStatistics,
  ConnectionEvent,
  NeighborOffloadResult,
  OffloadResult,
  QueryResult,
  StateResult,
  TransferResult,
  UploadResult,
  UploadedState,
} from './results.ts';
export { msFromTicks, readRoundTrip, tickCount, ticksFromMs, writeRoundTrip } from './ticks.ts';
export type { RoundTrip } from './ticks.ts';
