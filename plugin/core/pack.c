/* pack.c
 * Eight words at a time: a byte that says which are not as in the model, four bits for each of those that say how it is
 * written, then what is written. Sequence numbers, windows and times lie near others of the same connection, so the
 * last few large values are remembered, and a word that is one of them, or near one, is written as that.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "pack.h"

#include <string.h>

enum { GROUP = 8, REMEMBERED = 5 };

/* How a word is written. SAME and NEAR stand for one code per remembered value. */
enum code { SAME = 0, NEAR = SAME + REMEMBERED, BYTES_1 = NEAR + REMEMBERED, BYTES_2, BYTES_3, BYTES_4 };

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

static uint32_t get_bytes(const uint8_t *in, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint32_t)in[i] << 8 * i;
    return value;
}

/* Writes a word; returns its code. */
static unsigned put_word(struct memory *m, uint32_t word, uint8_t *out, size_t *length)
{
    if (word < 0x10000) {
        const unsigned bytes = word < 0x100 ? 1 : 2;
        *length += put_bytes(out + *length, word, bytes);
        return BYTES_1 + bytes - 1;
    }
    unsigned near = REMEMBERED;
    for (unsigned i = 0; i < REMEMBERED; i++) {
        const uint32_t distance = word - m->values[i] + 0x8000;
        if (distance == 0x8000)
            return SAME + i;
        if (distance < 0x10000)
            near = i;
    }
    if (near < REMEMBERED) {
        *length += put_bytes(out + *length, word - m->values[near] + 0x8000, 2);
        m->values[near] = word;
        return NEAR + near;
    }
    const unsigned bytes = word < 0x1000000 ? 3 : 4;
    *length += put_bytes(out + *length, word, bytes);
    remember(m, word);
    return BYTES_1 + bytes - 1;
}

static uint32_t get_word(struct memory *m, unsigned code, const uint8_t **in)
{
    if (code < NEAR)
        return m->values[code - SAME];
    if (code < BYTES_1) {
        m->values[code - NEAR] += get_bytes(*in, 2) - 0x8000;
        *in += 2;
        return m->values[code - NEAR];
    }
    const unsigned bytes = code - BYTES_1 + 1;
    const uint32_t word = get_bytes(*in, bytes);
    *in += bytes;
    if (bytes > 2)
        remember(m, word);
    return word;
}

size_t tcphs_pack(const uint32_t *words, const uint32_t *model, size_t count, uint8_t *out)
{
    struct memory m = { .next = 0 };
    size_t length = 0;
    for (size_t first = 0; first < count; first += GROUP) {
        const size_t size = count - first < GROUP ? count - first : GROUP;
        uint8_t *const present = out + length++, *codes = out + length;
        unsigned coded = 0, bits = 0;
        for (size_t i = 0; i < size; i++)
            bits |= words[first + i] != model[first + i] ? 1u << i : 0;
        *present = (uint8_t)bits;
        length += ((unsigned)__builtin_popcount(bits) + 1) / 2;
        for (; bits != 0; bits &= bits - 1, coded++) {
            const unsigned code = put_word(&m, words[first + (unsigned)__builtin_ctz(bits)], out, &length);
            codes[coded / 2] = (uint8_t)(coded % 2 ? codes[coded / 2] | code << 4 : code);
        }
    }
    return length;
}

void tcphs_unpack(const uint8_t *packed, const uint32_t *model, uint32_t *words, size_t count)
{
    struct memory m = { .next = 0 };
    memcpy(words, model, count * sizeof *words);
    for (size_t first = 0; first < count; first += GROUP) {
        unsigned bits = *packed++, coded = 0;
        const uint8_t *const codes = packed;
        packed += ((unsigned)__builtin_popcount(bits) + 1) / 2;
        for (; bits != 0; bits &= bits - 1, coded++)
            words[first + (unsigned)__builtin_ctz(bits)] =
                get_word(&m, codes[coded / 2] >> (coded % 2 ? 4 : 0) & 15, &packed);
    }
}
