/* cold_codec.h
 * Makes the words of a struct small while nobody looks at them, and makes them again, to the bit. Knows the words only,
 * and that many are as in others of the kind, near to one another, or small.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_COLD_CODEC_H
#define TCPHS_COLD_CODEC_H

#include <stddef.h>
#include <stdint.h>

/** No packing of so many words takes more bytes. */
#define TCPHS_COLD_MOST_BYTES(count) ((count)*4 + (count) / 2 + (count) / 8 + 8)

/**
 * Packs words that are expected to be much like those of model, as many; what is the same takes next to no room.
 * Returns how many bytes of out were used, at most TCPHS_COLD_MOST_BYTES(count).
 */
size_t tcphs_cold_encode(const uint32_t *words, const uint32_t *model, size_t count, uint8_t *out);

/** Makes the words again that tcphs_cold_encode was given; packed must be what it wrote for this count and this model.
 */
void tcphs_cold_decode(const uint8_t *packed, const uint32_t *model, uint32_t *words, size_t count);

#endif
