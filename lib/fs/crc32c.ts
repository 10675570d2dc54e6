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

/** a * b as polynomials over GF(2), modulo the one above; both reflected. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let left = a; left !== 0; left <<= 1) {
    if (left < 0) product ^= b;
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product;
}

/** shifts[n]: what n bytes behind it multiply the effect of a change by. */
const shifts = new Int32Array(4097);
shifts[0] = 1 << 31; // 1, reflected
for (let n = 0; n < shifts.length - 1; n++) {
  shifts[n + 1] = table[shifts[n]! & 0xff]! ^ (shifts[n]! >>> 8);
}

/**
 * The checksum of bytes that were changed in one place, from the one before: a change has the same
 * effect whatever surrounds it (the code is linear).
 *
 * @param sum before the change
 * @param difference the bytes of [start, end) before, xor those after
 * @param nrBehind how many unchanged bytes follow them, up to 4,096
 */
export function crc32cChanged(
  sum: number,
  difference: Uint8Array,
  start: number,
  end: number,
  nrBehind: number,
): number {
  let effect = 0;
  for (let i = start; i < end; i++)
    effect = table[(effect ^ difference[i]!) & 0xff]! ^ (effect >>> 8);
  return (sum ^ multiply(effect, shifts[nrBehind]!)) >>> 0;
}
