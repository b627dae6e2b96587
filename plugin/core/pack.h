/* pack.h
 * Makes the words of a struct small while nobody looks at them, and makes them again, to the bit. Knows the words only,
 * and that they are mostly zero, near to one another, or small.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PACK_H
#define TCPHS_PACK_H

#include <stddef.h>
#include <stdint.h>

/** No packing of so many words takes more bytes. */
#define TCPHS_PACKED_MOST(count) ((count)*4 + (count) / 2 + (count) / 8 + 8)

/** Packs words; returns how many bytes of out were used, at most TCPHS_PACKED_MOST(count). */
size_t tcphs_pack(const uint32_t *words, size_t count, uint8_t *out);

/** Makes the words again that tcphs_pack was given; packed must be what it wrote for this count. */
void tcphs_unpack(const uint8_t *packed, uint32_t *words, size_t count);

#endif
