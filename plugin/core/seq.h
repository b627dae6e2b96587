/* seq.h
 * Arithmetic on 32-bit TCP sequence numbers; the only place in the project that compares them.
 * Knows nothing of connections: which number means what is the business of connection.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SEQ_H
#define TCPHS_SEQ_H

#include <stdbool.h>
#include <stdint.h>

/** Signed distance from b to a modulo 2^32: positive when a lies after b (RFC 9293 section 3.4). */
static inline int32_t tcphs_seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline bool tcphs_seq_before(uint32_t a, uint32_t b)
{
    return tcphs_seq_diff(a, b) < 0;
}

static inline bool tcphs_seq_after(uint32_t a, uint32_t b)
{
    return tcphs_seq_diff(a, b) > 0;
}

/** True when low <= x <= high going upwards from low; an empty or wrapped range is decided modulo 2^32. */
static inline bool tcphs_seq_within(uint32_t x, uint32_t low, uint32_t high)
{
    return x - low <= high - low;
}

/** Less than 64 KiB, the largest unscaled window, apart. */
static inline bool tcphs_seq_near(uint32_t a, uint32_t b)
{
    return a - b + 0xFFFF <= 2 * 0xFFFF;
}

/** a is b or comes after it, by no more than so much. */
static inline bool tcphs_seq_follows(uint32_t a, uint32_t b, uint32_t by)
{
    return a - b <= by;
}

/** a is the smaller number as such: going up from b to a, the numbers have wrapped. */
static inline bool tcphs_seq_wrapped(uint32_t a, uint32_t b)
{
    return a < b;
}

/** b is not before a, and going up from a to b the numbers have not wrapped. */
static inline bool tcphs_seq_climbs(uint32_t a, uint32_t b)
{
    return b - (uint64_t)a <= INT32_MAX;
}

/** By how much timestamp a is older than b, modulo 2^32 (RFC 7323 5.2): positive when a is before b. Exactly half the
 * space away counts as newer, as in common kernels. */
static inline int32_t tcphs_ts_age(uint32_t a, uint32_t b)
{
    return (int32_t)(b - a);
}

/** The later of two sequence numbers. */
static inline uint32_t tcphs_seq_max(uint32_t a, uint32_t b)
{
    return tcphs_seq_after(a, b) ? a : b;
}

#endif
