import { describe, expect, test } from 'vitest';

import { CachedStates, TcpOffloadStateCached, hasUnacknowledgedFin, isMandatoryUpload, isOffloadableState, TCP_OFFLOAD_CONNECTION_STATE, TCP_UPLOAD_REASON } from '@ndis-chimney/types';

const members = Object.keys(new TcpOffloadStateCached()).filter((member) => member !== 'header') as Exclude<keyof TcpOffloadStateCached, 'header' | 'copyFrom'>[];

describe('CachedStates', () => {
  test('connections of equal settings share one copy, which is not the structure they gave', () => {
    const states = new CachedStates();
    const first = new TcpOffloadStateCached();
    const copy = states.copyOf(first);
    expect(copy).toEqual(first);
    expect(copy).not.toBe(first);
    expect(states.copyOf(new TcpOffloadStateCached())).toBe(copy);
  });

  test.each(members)('a different %s gets a copy of its own, and the one given before stays as it was', (member) => {
    const states = new CachedStates();
    const before = states.copyOf(new TcpOffloadStateCached());
    const changed = new TcpOffloadStateCached();
    changed[member] += 1;
    const after = states.copyOf(changed);
    expect(after).not.toBe(before);
    expect([after[member], before[member]]).toEqual([changed[member], new TcpOffloadStateCached()[member]]);
  });
});

/** The names of those values of an enumeration that are chosen. */
function chosen(values: Readonly<Record<string, number>>, isChosen: (value: number) => boolean): string[] {
  return Object.entries(values).filter(([, value]) => isChosen(value)).map(([name]) => name);
}

describe('what host and target agree on', () => {
  test('a connection may be offloaded in six states (CHIM-INI-001)', () => {
    expect(chosen(TCP_OFFLOAD_CONNECTION_STATE, isOffloadableState)).toEqual([
      'TcpConnectionEstablished', 'TcpConnectionFinWait1', 'TcpConnectionFinWait2', 'TcpConnectionCloseWait', 'TcpConnectionClosing', 'TcpConnectionLastAck',
    ]);
  });

  test('a FIN is unacknowledged in FIN-WAIT-1, CLOSING and LAST-ACK', () => {
    expect(chosen(TCP_OFFLOAD_CONNECTION_STATE, hasUnacknowledgedFin)).toEqual(['TcpConnectionFinWait1', 'TcpConnectionClosing', 'TcpConnectionLastAck']);
  });

  test('five upload reasons are the host\'s to heed', () => {
    expect(chosen(TCP_UPLOAD_REASON, isMandatoryUpload).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'HardwareFailure', 'InvalidState', 'ReceivedUrgentData', 'TimeoutExpiration', 'UploadRequested',
    ]);
  });
});
