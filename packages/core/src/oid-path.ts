import {
  DDI_CROSSING,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisLinkState,
  NdisTcpConnectionOffloadParameters,
  OID_GEN_LINK_STATE,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  formatNdisStatus,
  formatOid,
  type NDIS_STATUS,
  type NdisOidRequest,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { GATE } from './gate.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { describeValue } from './source-tags.ts';

/** `NdisOidRequest`: answered by NDIS for what miniports only report, otherwise by the driver below. */
export function requestOid(binding: Binding, request: NdisOidRequest): NDIS_STATUS {
  const crossing = DDI_CROSSING.oidRequest;
  const { ndis, upper, lower } = binding;
  if ((request as NdisOidRequest | null)?.requestType === undefined) {
    throw new TypeError(`${crossing.call} (called by ${upper.name}): oidRequest is ${describeValue(request)}, not an NDIS_OID_REQUEST`);
  }
  if ((binding.gate & (GATE.closed | GATE.opening)) !== 0) throw binding.refuseGate(crossing.call);
  if (request.ndisReserved !== null) {
    throw ndis.violation('CHIM-PWR-002', upper.name, `${crossing.call}: the request is still outstanding`, [request]);
  }
  const issue: Issue = { binding };
  request.ndisReserved = issue;
  if (binding.observer !== null) {
    try {
      binding.observer.enter(crossing, binding, request, 1, request.oid);
    } catch (error) {
      request.ndisReserved = null;
      throw error;
    }
  }
  binding.outstandingOidRequests++;
  const status = answerOfNdis(lower, request) ?? askDriver(binding, request, issue);
  if (status !== NDIS_STATUS_PENDING) finish(binding, request, status);
  if (binding.observer !== null) binding.observer.leave(crossing, binding, request, status, request.oid);
  return status;
}

/** One request under way; `ndisReserved` of the request holds it. */
interface Issue {
  readonly binding: Binding;
}

function askDriver(binding: Binding, request: NdisOidRequest, issue: Issue): NDIS_STATUS {
  const { ndis, lower } = binding;
  const { name, driver } = lower.registration;
  const { entry } = DDI_CROSSING.oidRequest;
  let status: NDIS_STATUS;
  try {
    status = driver.miniportOidRequest(binding.adapterContext, request);
  } catch (error) {
    ndis.reportEscaped(name, entry, error, [request]);
    status = NDIS_STATUS_NOT_SUPPORTED;
  }
  if (status === NDIS_STATUS_PENDING || request.ndisReserved === issue) return status;
  // The driver above has its answer already.
  ndis.accuse('CHIM-PWR-002', name, `${entry} answered ${formatNdisStatus(status)} for ${formatOid(request.oid)}, which it had completed`, [request]);
  return NDIS_STATUS_PENDING;
}

function finish(binding: Binding, request: NdisOidRequest, status: NDIS_STATUS): void {
  request.ndisReserved = null;
  binding.outstandingOidRequests--;
  const isSet = request.requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation;
  if (status !== NDIS_STATUS_SUCCESS || !isSet || request.oid !== OID_TCP_CONNECTION_OFFLOAD_PARAMETERS) return;
  const parameters = request.informationBuffer as Partial<NdisTcpConnectionOffloadParameters> | null;
  // What is set is valid during the request, so NDIS keeps a copy.
  if (parameters?.encapsulation === undefined) return;
  binding.lower.connectionOffloadParameters = new NdisTcpConnectionOffloadParameters().copyFrom(parameters as NdisTcpConnectionOffloadParameters);
}

/**
 * The queries NDIS answers from what the miniport reported in its attributes, or was last set to; a miniport never sees
 * them (`oid-tcp-connection-offload-current-config.md` and its neighbors). Null for every other request.
 */
function answerOfNdis(adapter: MiniportAdapter, request: NdisOidRequest): NDIS_STATUS | null {
  if (request.requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation) return null;
  let answer: unknown;
  switch (request.oid) {
    case OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG:
      answer = adapter.currentConnectionOffload;
      break;
    case OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES:
      answer = adapter.hardwareConnectionOffload;
      break;
    case OID_TCP_CONNECTION_OFFLOAD_PARAMETERS:
      answer = adapter.connectionOffloadParameters === null ? null : new NdisTcpConnectionOffloadParameters().copyFrom(adapter.connectionOffloadParameters);
      break;
    case OID_GEN_LINK_STATE:
      answer = linkStateOf(adapter);
      break;
    default:
      return null;
  }
  if (answer === null) return NDIS_STATUS_NOT_SUPPORTED;
  request.informationBuffer = answer;
  return NDIS_STATUS_SUCCESS;
}

function linkStateOf(adapter: MiniportAdapter): NdisLinkState | null {
  const { generalAttributes } = adapter;
  if (generalAttributes === null) return null;
  const state = new NdisLinkState();
  state.mediaConnectState = generalAttributes.mediaConnectState;
  state.mediaDuplexState = generalAttributes.mediaDuplexState;
  state.xmitLinkSpeed = generalAttributes.xmitLinkSpeed;
  state.rcvLinkSpeed = generalAttributes.rcvLinkSpeed;
  return state;
}

/** `NdisMOidRequestComplete`. */
export function completeOid(adapter: MiniportAdapter, request: NdisOidRequest, status: NDIS_STATUS): void {
  const crossing = DDI_CROSSING.oidRequestComplete;
  const { ndis, registration } = adapter;
  const binding = ((request as NdisOidRequest | null)?.ndisReserved as Issue | null | undefined)?.binding;
  if (binding?.lower !== adapter) {
    throw ndis.violation('CHIM-PWR-002', registration.name, `${crossing.call}: the request is not outstanding at adapter ${adapter.name}: completed twice, or another adapter's`, [request]);
  }
  if (status === NDIS_STATUS_PENDING) {
    throw ndis.violation('CHIM-PWR-002', registration.name, `${crossing.call}: ${formatOid(request.oid)} cannot be completed with NDIS_STATUS_PENDING`, [request]);
  }
  if (binding.observer !== null) binding.observer.enter(crossing, binding, request, 1, request.oid);
  finish(binding, request, status);
  try {
    binding.upper.driver.protocolOidRequestComplete(binding.protocolBindingContext as never, request, status);
  } catch (error) {
    ndis.reportEscaped(binding.upper.name, crossing.entry, error, [request]);
  }
  if (binding.observer !== null) binding.observer.leave(crossing, binding, request, status, request.oid);
}
