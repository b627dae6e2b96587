/* unanswered_syns.h
 * The latest SYNs that nothing has answered, found by their sender and number: a SYN-ACK that comes from elsewhere
 * shows so which of them it answers. A fixed table for the whole capture; what an answer is is the caller's business.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_UNANSWERED_SYNS_H
#define TCPHS_UNANSWERED_SYNS_H

#include <stdbool.h>
#include <stdint.h>

/** So many are kept; the oldest goes when another comes. */
#define TCPHS_UNANSWERED_SYNS 4096

/** All zero = none. Lifetime: file. */
struct tcphs_unanswered_syns {
    uint32_t last_frame; /**< of the SYN added last, while it has that number */
    uint32_t count;      /**< that were ever added; each is written over when the number of its place comes round */
    struct {
        uint32_t sender, isn;
        uint32_t frame; /**< 0 = none here, or answered */
        uint16_t next;  /**< place + 1 of the next with the same hash; 0 = none */
    } syns[TCPHS_UNANSWERED_SYNS];
    uint16_t first[TCPHS_UNANSWERED_SYNS]; /**< by hash, likewise */
};

/** A SYN; sender: any number that tells addresses with their ports apart. One that is there already stays as it is. */
void tcphs_unanswered_syns_add(struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn, uint32_t frame);

/** It was answered by whom it was sent to. */
void tcphs_unanswered_syns_remove(struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn);

/** The frame of the SYN with this number, TCPHS_UNNUMBERED_FRAME where that number is gone, or 0. */
uint32_t tcphs_unanswered_syns_find(const struct tcphs_unanswered_syns *u, uint32_t sender, uint32_t isn);

/** The frame number is given to another frame: SYNs added last under it are unnumbered from now on. */
void tcphs_unanswered_syns_forget_frame(struct tcphs_unanswered_syns *u, uint32_t frame);

#endif
