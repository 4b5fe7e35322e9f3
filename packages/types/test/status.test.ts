import * as types from '@ndis-chimney/types';
import { formatNdisStatus, isNdisStatusSuccess } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

const documented: Record<string, number> = {
  NDIS_STATUS_SUCCESS: 0x00000000,
  NDIS_STATUS_PENDING: 0x00000103,
  NDIS_STATUS_NOT_ACCEPTED: 0x00010003,
  NDIS_STATUS_MEDIA_CONNECT: 0x4001000B,
  NDIS_STATUS_MEDIA_DISCONNECT: 0x4001000C,
  NDIS_STATUS_OFFLOAD_PAUSE: 0x40020001,
  NDIS_STATUS_UPLOAD_ALL: 0x40020002,
  NDIS_STATUS_OFFLOAD_RESUME: 0x40020003,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS: 0x40020004,
  NDIS_STATUS_OFFLOAD_STATE_INVALID: 0x40020005,
  NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG: 0x40020006,
  NDIS_STATUS_TASK_OFFLOAD_HARDWARE_CAPABILITIES: 0x40020007,
  NDIS_STATUS_OFFLOAD_ENCASPULATION_CHANGE: 0x40020008,
  NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES: 0x4002000B,
  NDIS_STATUS_OFFLOAD_IM_RESERVED1: 0x40020100,
  NDIS_STATUS_OFFLOAD_IM_RESERVED2: 0x40020101,
  NDIS_STATUS_OFFLOAD_IM_RESERVED3: 0x40020102,
  NDIS_STATUS_FAILURE: 0xC0000001,
  NDIS_STATUS_INVALID_PARAMETER: 0xC000000D,
  NDIS_STATUS_RESOURCES: 0xC000009A,
  NDIS_STATUS_NOT_SUPPORTED: 0xC00000BB,
  NDIS_STATUS_INVALID_STATE: 0xC0000184,
  NDIS_STATUS_CLOSING: 0xC0010002,
  NDIS_STATUS_BAD_VERSION: 0xC0010004,
  NDIS_STATUS_BAD_CHARACTERISTICS: 0xC0010005,
  NDIS_STATUS_ADAPTER_NOT_FOUND: 0xC0010006,
  NDIS_STATUS_OPEN_FAILED: 0xC0010007,
  NDIS_STATUS_REQUEST_ABORTED: 0xC001000C,
  NDIS_STATUS_RESET_IN_PROGRESS: 0xC001000D,
  NDIS_STATUS_INVALID_LENGTH: 0xC0010014,
  NDIS_STATUS_INVALID_DATA: 0xC0010015,
  NDIS_STATUS_BUFFER_TOO_SHORT: 0xC0010016,
  NDIS_STATUS_INVALID_OID: 0xC0010017,
  NDIS_STATUS_ADAPTER_REMOVED: 0xC0010018,
  NDIS_STATUS_SEND_ABORTED: 0xC023000C,
  NDIS_STATUS_PAUSED: 0xC023002A,
  NDIS_STATUS_UPLOAD_IN_PROGRESS: 0xC0231001,
  NDIS_STATUS_REQUEST_UPLOAD: 0xC0231002,
  NDIS_STATUS_UPLOAD_REQUESTED: 0xC0231003,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES: 0xC0231004,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES: 0xC0231005,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES: 0xC0231006,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES: 0xC0231007,
  NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES: 0xC0231008,
  NDIS_STATUS_OFFLOAD_VLAN_ENTRIES: 0xC0231009,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER: 0xC023100A,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER: 0xC023100B,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW: 0xC023100C,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH: 0xC023100D,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED: 0xC023100E,
  NDIS_STATUS_OFFLOAD_POLICY: 0xC023100F,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED: 0xC0231010,
  NDIS_STATUS_OFFLOAD_REQUEST_RESET: 0xC0231011,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED: 0xC0231012,
  STATUS_NDIS_OFFLOAD_PATH_REJECTED: 0xC0231013,
};

/** Not established by any source. */
const chosen: Record<string, number> = { NDIS_STATUS_OFFLOAD_PATH_MTU: 0xE0231001 };

const customerBit = 0x20000000;
const exported = (Object.entries(types) as [string, unknown][]).filter(
  (entry): entry is [string, number] =>
    /^(NDIS_)?STATUS_/.test(entry[0]) && !/_REVISION_\d$/.test(entry[0]) && typeof entry[1] === 'number',
);

describe('NDIS_STATUS constants', () => {
  test('the table of this test names every exported status', () => {
    expect(exported.map(([name]) => name).sort()).toEqual(Object.keys({ ...documented, ...chosen }).sort());
  });

  test.each(exported)('%s has its documented value, as a signed int32', (name, value) => {
    expect(value >>> 0).toBe({ ...documented, ...chosen }[name]);
    expect(value).toBe(value | 0);
  });

  test('no two statuses share a value', () => {
    expect(new Set(exported.map(([, value]) => value)).size).toBe(exported.length);
  });

  test('private statuses, and only they, carry the customer bit, so they collide with none of Microsoft', () => {
    const withCustomerBit = exported.filter(([, value]) => (value & customerBit) !== 0).map(([name]) => name);
    expect(withCustomerBit).toEqual(Object.keys(chosen));
  });

  test('spellings that no header defines are not exported', () => {
    for (const name of [
      'NDIS_STATUS_PARTIAL_SUCCESS',
      'NDIS_STATUS_OFFLOAD_VLAN_TAG_ENTRIES',
      'NDIS_STATUS_VLAN_MISMATCH',
      'NDIS_STATUS_ABORTED',
      'NDIS_STATUS_REQUEST_ABORT',
    ]) {
      expect(types).not.toHaveProperty(name);
    }
  });
});

describe('isNdisStatusSuccess', () => {
  test('accepts severity success and informational', () => {
    for (const status of [
      types.NDIS_STATUS_SUCCESS,
      types.NDIS_STATUS_PENDING,
      types.NDIS_STATUS_NOT_ACCEPTED,
      types.NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
    ]) {
      expect(isNdisStatusSuccess(status)).toBe(true);
    }
  });

  test('rejects severity warning and error', () => {
    for (const status of [0x80000005 | 0, types.NDIS_STATUS_FAILURE, types.NDIS_STATUS_OFFLOAD_PATH_MTU]) {
      expect(isNdisStatusSuccess(status)).toBe(false);
    }
  });
});

describe('formatNdisStatus', () => {
  test.each(exported)('shows %s by its name and unsigned value', (name, value) => {
    const hex = (value >>> 0).toString(16).toUpperCase().padStart(8, '0');
    expect(formatNdisStatus(value)).toBe(`${name} (0x${hex})`);
  });

  test('gives name, then value in brackets', () => {
    expect(formatNdisStatus(types.NDIS_STATUS_UPLOAD_IN_PROGRESS)).toBe('NDIS_STATUS_UPLOAD_IN_PROGRESS (0xC0231001)');
  });

  test('pads the value of an unknown status to eight digits', () => {
    expect(formatNdisStatus(0x1234)).toBe('NDIS_STATUS 0x00001234');
    expect(formatNdisStatus(0xC0DE0000 | 0)).toBe('NDIS_STATUS 0xC0DE0000');
  });

  test('takes the unsigned spelling of a value too', () => {
    expect(formatNdisStatus(0xC0000001)).toBe('NDIS_STATUS_FAILURE (0xC0000001)');
  });
});
