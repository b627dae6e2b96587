/* history.h
 * What was told of each segment of a connection, kept so that it can be told again for any frame: a log of state
 * changes (8 bytes each) and a log of entries (16 bytes each), both searched by frame number. A segment of the
 * fast path leaves nothing. Memory comes from the caller.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_HISTORY_H
#define TCPHS_HISTORY_H

#include "memory.h"
#include "tcp/outcome.h"

/** Where a connection stands from a segment on. Lifetime: file, in its history. */
struct tcphs_state_change {
    uint32_t position; /**< see history.c */
    uint32_t packed;   /**< stage, states, client, usual, assumed; see history.c */
};

/** What else a segment shows. Lifetime: file, in its history. */
struct tcphs_log_entry {
    uint32_t frame;
    uint8_t kind; /**< see history.c */
    uint8_t small;
    uint16_t count;
    uint64_t value;
};

/** What a link pointed to before a segment changed it. Lifetime: file, in its history. */
struct tcphs_link_change {
    uint32_t position; /**< as in tcphs_state_change */
    uint32_t before;
    uint8_t link; /**< enum tcphs_link */
};

/** What later visits to the segments of a connection show again. Lifetime: file, in the record of its connection. */
struct tcphs_history {
    struct tcphs_state_change *changes;
    struct tcphs_log_entry *entries;
    struct tcphs_link_change *link_changes; /**< rare, and few */
    uint32_t link_change_count, link_change_room;
    uint32_t change_count, change_room, entry_count, entry_room;
    uint32_t
        last_options; /**< the entry that says what both ends offer, as of the last step: its number + 1; 0 = none */
};

/** Beyond so many entries of one connection only its state is kept, and tcphs_outcome.unkept says so. */
#define TCPHS_MOST_LOG_ENTRIES 65536

/**
 * Keeps what was told of a segment sent by end `from`. Frames come in rising order, below 2^31; before a number comes
 * again it must have been forgotten.
 */
void tcphs_history_add(struct tcphs_history *h, const struct tcphs_outcome *o, unsigned from, tcphs_grow grow);

/**
 * Tells again what was told of the segment of end `from` in a frame; links come from the connection as it is now.
 * For a frame of which nothing was kept (data in sequence, a copy) the state at that time and the usual judgement.
 */
void tcphs_history_recall(const struct tcphs_history *h, const struct tcphs_connection *c, uint32_t frame,
                          unsigned from, struct tcphs_outcome *o);

/** The frame number is given to another frame: its notes go, its change of state stays, just before that frame. */
void tcphs_history_forget_frame(struct tcphs_history *h, uint32_t frame);

#endif
