// CRC-32C (Castagnoli), the checksum of every metadata structure on the device, as ext4 and XFS
// use it. Bytes in, one unsigned 32-bit number out.

const POLYNOMIAL = 0x82f63b78; // reflected

const table = new Uint32Array(256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
  table[n] = c >>> 0;
}

/** The checksum of bytes, continuing from seed: crc32c(b, crc32c(a)) is that of a then b. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let c = ~seed >>> 0;
  for (const byte of bytes) c = (table[(c ^ byte) & 0xff]! ^ (c >>> 8)) >>> 0;
  return ~c >>> 0;
}
