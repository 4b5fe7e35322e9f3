import type { ClientGeneric, ClientTcp, Place } from '../world/faults.ts';
import type { Mutant } from '../mutant.ts';

/** Gives a driver another context than its own. */
type Confusion = (context: unknown, place: Place) => unknown;

/** Something that behaves like the context and is another object. */
const lookAlike: Confusion = (context) => Object.create(context as object) as unknown;

/** The context of the first binding that the driver has opened to that adapter. */
const firstOfAdapter: Confusion = (context, { ndis, driver }) => {
  const openings = ndis.openings.filter((opening) => opening.driver === driver);
  const own = openings.find((opening) => opening.context === context);
  return openings.find(({ binding }) => binding.adapterName === own?.binding.adapterName)?.context;
};

type ClientTcpFault = (confusion: Confusion) => (next: ClientTcp, place: Place) => Partial<ClientTcp>;
type ClientGenericFault = (confusion: Confusion) => (next: ClientGeneric, place: Place) => Partial<ClientGeneric>;

const onSend: ClientTcpFault = (confusion) => (next, place) => ({
  protocolTcpOffloadSendComplete(context, list) {
    next.protocolTcpOffloadSendComplete(confusion(context, place), list);
  },
});

const onDisconnect: ClientTcpFault = (confusion) => (next, place) => ({
  protocolTcpOffloadDisconnectComplete(context, nbl) {
    next.protocolTcpOffloadDisconnectComplete(confusion(context, place), nbl);
  },
});

const onTerminate: ClientGenericFault = (confusion) => (next, place) => ({
  protocolTerminateOffloadComplete(context, tree) {
    next.protocolTerminateOffloadComplete(confusion(context, place), tree);
  },
});

const COPIES = 'passes a copy of the ProtocolBindingContext to the callback';
const CONFUSES = 'keeps one ProtocolBindingContext per driver and adapter, the first one';

export const contexts: readonly Mutant[] = [
  { group: 'SND-CONTEXT', party: 'NDIS', does: COPIES, createFaults: () => ({ clientTcp: onSend(lookAlike) }) },
  { group: 'SND-CONTEXT', party: 'NDIS', does: CONFUSES, createFaults: () => ({ clientTcp: onSend(firstOfAdapter) }) },
  { group: 'TRM-CONTEXT', party: 'NDIS', does: COPIES, createFaults: () => ({ clientGeneric: onTerminate(lookAlike) }) },
  { group: 'TRM-CONTEXT', party: 'NDIS', does: CONFUSES, createFaults: () => ({ clientGeneric: onTerminate(firstOfAdapter) }) },
  { group: 'DSC-CONTEXT', party: 'NDIS', does: COPIES, createFaults: () => ({ clientTcp: onDisconnect(lookAlike) }) },
  { group: 'DSC-CONTEXT', party: 'NDIS', does: CONFUSES, createFaults: () => ({ clientTcp: onDisconnect(firstOfAdapter) }) },
];
