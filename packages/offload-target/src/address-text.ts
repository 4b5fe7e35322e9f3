/** An IP address as people write it: dotted, or in groups with the longest run of zeros left out (RFC 5952 section 4). */
export function addressText(address: Uint8Array<ArrayBufferLike>): string {
  if (address.length !== 16) return address.join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((address[i]! << 8) | address[i + 1]!);
  const { start, length } = longestZeros(groups);
  const text = (from: number, to: number): string => groups.slice(from, to).map((group) => group.toString(16)).join(':');
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** An address and a port, as in a URL. */
export function socketAddressText(address: Uint8Array<ArrayBufferLike>, port: number): string {
  const text = addressText(address);
  return address.length === 16 ? `[${text}]:${port}` : `${text}:${port}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  const longest = { start: 0, length: 0 };
  let length = 0;
  groups.forEach((group, index) => {
    length = group === 0 ? length + 1 : 0;
    if (length > longest.length) {
      longest.start = index - length + 1;
      longest.length = length;
    }
  });
  return longest;
}
