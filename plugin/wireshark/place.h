/* place.h
 * Bytes in a buffer of the host, looked up once: what is read from there later needs no more asking.
 * Leaves to others what the bytes mean.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PLACE_H
#define TCPHS_PLACE_H

#include "compat.h"

/** Where a header lies. */
struct tcphs_place {
    tvbuff_t *tvb; /**< NULL = not known */
    int start;
    const guint8 *bytes; /**< from start on … */
    int captured;        /**< … so many were captured */
};

/** Looks the bytes up; none where the buffer ends before start. */
static inline struct tcphs_place tcphs_place_at(tvbuff_t *tvb, int start)
{
    struct tcphs_place place = { .tvb = tvb, .start = start };
    const int captured = tvb != NULL && start >= 0 ? tvb_captured_length_remaining(tvb, start) : 0;
    if (captured > 0) {
        place.bytes = tvb_get_ptr(tvb, start, captured);
        place.captured = captured;
    }
    return place;
}

/** The same further on in bytes that have been looked up. */
static inline struct tcphs_place tcphs_part_of(struct tcphs_place whole, int from)
{
    if (from < 0 || from >= whole.captured)
        return (struct tcphs_place){ .tvb = whole.tvb, .start = whole.start + from };
    return (struct tcphs_place){ whole.tvb, whole.start + from, whole.bytes + from, whole.captured - from };
}

/** Bytes that were captured, from (not negative) on; NULL when there are fewer than asked for. */
static inline const guint8 *tcphs_bytes_of(struct tcphs_place place, int from, int length)
{
    return length >= 0 && from <= place.captured - length ? place.bytes + from : NULL;
}

/** A number of two bytes in network order, at any address; the host's pntoh16 is called otherwise from 4.6 on. */
static inline guint16 tcphs_get16(const guint8 *p)
{
    guint16 word;
    memcpy(&word, p, sizeof word);
    return GUINT16_FROM_BE(word);
}

/** The same of four bytes. */
static inline guint32 tcphs_get32(const guint8 *p)
{
    guint32 word;
    memcpy(&word, p, sizeof word);
    return GUINT32_FROM_BE(word);
}

#endif
