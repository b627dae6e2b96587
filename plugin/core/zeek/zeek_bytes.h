/* zeek_bytes.h
 * The stream of one end in Zeek's eyes: which bytes were seen, which acknowledged, and where an acknowledgment covers a
 * hole. Which segment brings them is left to zeek.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ZEEK_BYTES_H
#define TCPHS_ZEEK_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

/** Bytes of one end as far as they were seen and acknowledged; numbers count from its SYN = 0. Lifetime: file, in its
 * end. */
struct tcphs_zeek_bytes {
    uint64_t next;        /**< first byte not seen in sequence */
    uint64_t trim;        /**< all before is acknowledged */
    uint64_t (*ahead)[2]; /**< seen beyond next: disjoint [left, right), rising */
    uint64_t ahead_bytes; /**< their extent in all */
    uint32_t count, room; /**< of ahead */
    bool skip;            /**< too much to keep: given up */
    bool ended;           /**< all bytes up to the end of the stream were seen or given up */
};

/** Data [left, right) was seen. */
void tcphs_zeek_bytes_add(struct tcphs_zeek_bytes *b, uint64_t left, uint64_t right, tcphs_grow grow);

/** Everything before `to` is acknowledged; returns the number of holes. is_partial: the start was not captured. */
unsigned tcphs_zeek_bytes_trim(struct tcphs_zeek_bytes *b, uint64_t to, bool is_partial);

/** Bytes that were seen and not acknowledged. */
uint64_t tcphs_zeek_bytes_kept(const struct tcphs_zeek_bytes *b);

/** Gives up on the stream. */
void tcphs_zeek_bytes_give_up(struct tcphs_zeek_bytes *b);

#endif
