import { addressText, socketAddressText } from '@ndis-chimney/offload-target';
import { describe, expect, test } from 'vitest';

/** Eight groups as 16 bytes. */
function ipv6(...groups: readonly number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xFF]));
}

describe('addresses as people write them (RFC 5952 section 4)', () => {
  test.each([
    [Uint8Array.of(192, 0, 2, 1), '192.0.2.1'],
    [ipv6(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1), '2001:db8::1'],
    [ipv6(0x2001, 0xDB8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1'],
    [ipv6(0x2001, 0, 0, 1, 0, 0, 0, 1), '2001:0:0:1::1'],
    [ipv6(0x2001, 0xDB8, 0, 0, 1, 0, 0, 1), '2001:db8::1:0:0:1'],
    [ipv6(0, 0, 0, 0, 0, 0, 0, 0), '::'],
    [Uint8Array.of(1, 2, 3), '1.2.3'],
  ])('%s is %s', (address, text) => {
    expect(addressText(address)).toBe(text);
  });

  test('a port follows a colon, and an IPv6 address stands in brackets before it', () => {
    expect(socketAddressText(Uint8Array.of(192, 0, 2, 1), 80)).toBe('192.0.2.1:80');
    expect(socketAddressText(ipv6(0xFE80, 0, 0, 0, 0, 0, 0, 1), 443)).toBe('[fe80::1]:443');
  });
});
