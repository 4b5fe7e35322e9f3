import ipaddr from 'ipaddr.js';

/** An IP address as people write it: dotted, or in groups with the longest run of zeros left out (RFC 5952 section 4). */
export function addressText(address: Uint8Array<ArrayBufferLike>): string {
  // What is neither IPv4 nor IPv6 is shown as it is: who asks is about to say what is wrong with it.
  return address.length === 16 ? new ipaddr.IPv6([...address]).toRFC5952String() : address.join('.');
}

/** An address and a port, as in a URL. */
export function socketAddressText(address: Uint8Array<ArrayBufferLike>, port: number): string {
  const text = addressText(address);
  return address.length === 16 ? `[${text}]:${port}` : `${text}:${port}`;
}
