/* cold_codec.c
 * Eight words at a time: a byte that says which are not as in the model, four bits for each of those that say how it is
 * written, then what is written: how far the word is from the model's. Sequence numbers of one direction, frame numbers
 * and times of a connection all lie about as far from those of the model, so the last few large distances are
 * remembered, and one that is equal or near to one of them is written as that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tracker/cold_codec.h"

#include <stdbool.h>
#include <string.h>

#include <wsutil/bits_ctz.h>

enum { GROUP = 8, REMEMBERED = 6 };

/* How a distance is written. SAME and NEAR stand for one code per remembered value. */
enum code { SAME = 0, NEAR = SAME + REMEMBERED, BYTES_1 = NEAR + REMEMBERED, BYTES_2, BYTES_3, BYTES_4 };

/* The values that came last. Lifetime: one call. */
struct memory {
    uint32_t values[REMEMBERED];
    unsigned next; /* to be forgotten */
};

static void remember(struct memory *m, uint32_t value)
{
    m->values[m->next] = value;
    m->next = m->next + 1 < REMEMBERED ? m->next + 1 : 0;
}

static size_t put_bytes(uint8_t *out, uint32_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        out[i] = (uint8_t)(value >> 8 * i);
    return count;
}

/* With the sign of the last byte. */
static uint32_t get_bytes(const uint8_t *in, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint32_t)in[i] << 8 * i;
    const uint32_t sign = UINT32_C(1) << (8 * count - 1);
    return (value ^ sign) - sign;
}

/* Whether so many bytes, with their sign, are enough for a distance. */
static bool fits(uint32_t distance, unsigned bytes)
{
    const uint32_t half = UINT32_C(1) << (8 * bytes - 1);
    return distance + half < 2 * half;
}

/* Writes a distance; returns its code. */
static unsigned put_distance(struct memory *m, uint32_t distance, uint8_t *out, size_t *length)
{
    if (fits(distance, 2)) {
        const unsigned bytes = fits(distance, 1) ? 1 : 2;
        *length += put_bytes(out + *length, distance, bytes);
        return BYTES_1 + bytes - 1;
    }
    unsigned near = REMEMBERED;
    for (unsigned i = 0; i < REMEMBERED; i++) {
        if (distance == m->values[i])
            return SAME + i;
        if (fits(distance - m->values[i], 2))
            near = i;
    }
    if (near < REMEMBERED) {
        *length += put_bytes(out + *length, distance - m->values[near], 2);
        m->values[near] = distance;
        return NEAR + near;
    }
    const unsigned bytes = fits(distance, 3) ? 3 : 4;
    *length += put_bytes(out + *length, distance, bytes);
    remember(m, distance);
    return BYTES_1 + bytes - 1;
}

static uint32_t get_distance(struct memory *m, unsigned code, const uint8_t **in)
{
    if (code < NEAR)
        return m->values[code - SAME];
    if (code < BYTES_1) {
        m->values[code - NEAR] += get_bytes(*in, 2);
        *in += 2;
        return m->values[code - NEAR];
    }
    const unsigned bytes = code - BYTES_1 + 1;
    const uint32_t distance = get_bytes(*in, bytes);
    *in += bytes;
    if (bytes > 2)
        remember(m, distance);
    return distance;
}

/* Of a byte: the compiler's own would be a call on processors that it knows nothing of. */
static unsigned count_bits(unsigned byte)
{
    byte -= byte >> 1 & 0x55;
    byte = (byte & 0x33) + (byte >> 2 & 0x33);
    return (byte + (byte >> 4)) & 0x0F;
}

/* Which words of a group are not as in the model, a bit for each; most groups are as a whole. */
static unsigned differences(const uint32_t *words, const uint32_t *model, size_t size)
{
    unsigned bits = 0;
    if (size == GROUP && memcmp(words, model, GROUP * sizeof *words) == 0)
        return 0;
    for (size_t i = 0; i < size; i++)
        bits |= words[i] != model[i] ? 1u << i : 0;
    return bits;
}

size_t tcphs_cold_encode(const uint32_t *words, const uint32_t *model, size_t count, uint8_t *out)
{
    struct memory m = { .next = 0 };
    size_t length = 0;
    for (size_t first = 0; first < count; first += GROUP) {
        const size_t size = count - first < GROUP ? count - first : GROUP;
        uint8_t *const present = out + length++, *codes = out + length;
        unsigned coded = 0, bits = differences(words + first, model + first, size);
        *present = (uint8_t)bits;
        length += (count_bits(bits) + 1) / 2;
        for (; bits != 0; bits &= bits - 1, coded++) {
            const size_t at = first + (unsigned)ws_ctz(bits);
            const unsigned code = put_distance(&m, words[at] - model[at], out, &length);
            codes[coded / 2] = (uint8_t)(coded % 2 ? codes[coded / 2] | code << 4 : code);
        }
    }
    return length;
}

void tcphs_cold_decode(const uint8_t *packed, const uint32_t *model, uint32_t *words, size_t count)
{
    struct memory m = { .next = 0 };
    memcpy(words, model, count * sizeof *words);
    for (size_t first = 0; first < count; first += GROUP) {
        unsigned bits = *packed++, coded = 0;
        const uint8_t *const codes = packed;
        packed += (count_bits(bits) + 1) / 2;
        for (; bits != 0; bits &= bits - 1, coded++)
            words[first + (unsigned)ws_ctz(bits)] +=
                get_distance(&m, codes[coded / 2] >> (coded % 2 ? 4 : 0) & 15, &packed);
    }
}
