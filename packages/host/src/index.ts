export { ChimneyConnection } from './connection.ts';
export type { DisconnectOptions, ReceiveOptions } from './connection.ts';
export { describeConnection } from './connection-description.ts';
export type { ConnectionDescription, ConnectionState, Endpoint } from './connection-description.ts';
export { ChimneyHost } from './chimney-host.ts';
export type { ChimneyHostOptions } from './chimney-host.ts';
export type { ConnectionEvent, ConnectionOffloadState, OffloadResult, TerminateResult, TransferResult } from './results.ts';
export { isMandatoryUpload } from './upload-reasons.ts';
