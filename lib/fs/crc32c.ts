// CRC-32C (Castagnoli), the checksum of every metadata structure on the device, as ext4 and XFS
// use it. Bytes in, one unsigned 32-bit number out.

const POLYNOMIAL = 0x82f63b78; // reflected

/** table[256 * k + n]: what byte n does to the checksum with k zero bytes behind it. */
const table = new Int32Array(4 * 256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
  table[n] = c;
}
for (let i = 256; i < table.length; i++) {
  const c = table[i - 256]!;
  table[i] = table[c & 0xff]! ^ (c >>> 8);
}

/**
 * The checksum of bytes from start to end, continuing from seed: crc32c(b, crc32c(a)) is that of a
 * then b.
 */
export function crc32c(bytes: Uint8Array, seed = 0, start = 0, end = bytes.length): number {
  let c = ~seed;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    c ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    c =
      table[768 + (c & 0xff)]! ^
      table[512 + ((c >>> 8) & 0xff)]! ^
      table[256 + ((c >>> 16) & 0xff)]! ^
      table[c >>> 24]!;
  }
  for (; i < end; i++) c = table[(c ^ bytes[i]!) & 0xff]! ^ (c >>> 8);
  return ~c >>> 0;
}
