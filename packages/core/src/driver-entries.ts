/** The entry points that a driver must have, whatever else it registers. */
export const MINIPORT_HANDLERS: readonly string[] = [
  'miniportInitializeEx',
  'miniportRestart',
  'miniportPause',
  'miniportHaltEx',
  'miniportOidRequest',
  'miniportSendNetBufferLists',
  'miniportReturnNetBufferLists',
];
export const PROTOCOL_HANDLERS: readonly string[] = [
  'protocolBindAdapterEx',
  'protocolOpenAdapterCompleteEx',
  'protocolUnbindAdapterEx',
  'protocolCloseAdapterCompleteEx',
  'protocolNetPnPEvent',
  'protocolStatusEx',
  'protocolSendNetBufferListsComplete',
  'protocolReceiveNetBufferLists',
  'protocolOidRequestComplete',
];

/** @throws TypeError that names what the driver lacks. */
export function requireDriver(driver: { readonly name: string }, call: string, handlers: readonly string[]): void {
  if (typeof driver !== 'object' || driver === null || typeof driver.name !== 'string' || driver.name === '') {
    throw new TypeError(`${call}: the driver is not an object with a name`);
  }
  const missing = handlers.filter((handler) => typeof (driver as unknown as Record<string, unknown>)[handler] !== 'function');
  if (missing.length > 0) throw new TypeError(`${call}: driver ${driver.name} lacks ${missing.join(', ')}`);
}
