/* zeek.h
 * What Zeek would log of the same packets: conn_state and history. Zeek tells connections apart in its own way (by time
 * and by SYNs, whatever VLAN or tunnel they came through) and checks no numbers, so this is a machine of its own, which
 * takes nothing from connection.h. The rules are those of Zeek 9.1 as its defaults have them; letter X is left out, as
 * it comes from above TCP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ZEEK_H
#define TCPHS_ZEEK_H

#include "segment.h"
#include "zeek/zeek_bytes.h"

/** Which letters repeat at the 1st, 10th, 100th … occurrence. */
enum tcphs_zeek_counted { TCPHS_ZEEK_C, TCPHS_ZEEK_T, TCPHS_ZEEK_W, TCPHS_ZEEK_G, TCPHS_ZEEK_COUNTED };

/** Histories shorter than this need no memory of their own. */
#define TCPHS_ZEEK_BRIEF 16

/** An originator or responder. Lifetime: file, in its connection. */
struct tcphs_zeek_end {
    struct tcphs_zeek_bytes bytes;
    uint64_t fin_at; /**< relative number behind its FIN */
    uint32_t start, last, acked;
    uint32_t logged_at[3]; /**< relative number of the last S or H, F, R in the history, modulo 2^32 */
    uint32_t counted[TCPHS_ZEEK_COUNTED];
    uint16_t port;
    uint16_t last_wraps, acked_wraps;
    uint8_t state, before; /**< enum zeek_state of zeek.c: now, and before the last change */
    uint8_t scale;
    bool has_fin, did_close;
};

/** One connection in Zeek's sense. Lifetime: file. */
struct tcphs_zeek {
    struct tcphs_zeek_end end[2];                /**< originator, responder */
    int64_t last_time;                           /**< nanoseconds, cut to microseconds as Zeek's clock is */
    int64_t attempt_over, delete_at, look_again; /**< its timers; 0 = not set */
    char brief[TCPHS_ZEEK_BRIEF];                /**< the history, NUL-terminated, as long as it is short … */
    char *history;                               /**< … and from then on; NULL before */
    uint32_t history_length, history_room;
    uint32_t seen;      /**< which letters the history has: bit of the originator, << 16 responder */
    uint16_t patience;  /**< seconds of silence after which it is over */
    uint8_t originator; /**< which end of the tuple */
    uint8_t passed;     /**< bit per role: it has sent something */
    bool active, is_partial, close_deferred, deferred_event;
};

/** A segment as Zeek needs it. Lifetime: one call. */
struct tcphs_zeek_input {
    const struct tcphs_segment *segment;
    bool bad_checksum; /**< the host verified it, and it is wrong */
    bool is_whole;     /**< the payload was captured to its end */
    tcphs_grow grow;
};

/** Whether a port is one that servers use, by the caller's list. */
typedef bool (*tcphs_zeek_is_server_port)(uint16_t port);

/**
 * Whether z is over when this segment of the same addresses and ports comes, so that it begins another connection: a
 * timer has run out by `now`, the latest time of any frame, or it is a SYN that Zeek takes for a reuse.
 */
bool tcphs_zeek_is_over(struct tcphs_zeek *z, const struct tcphs_segment *s, int64_t now);

/** Begins a connection: who is originator, by the first segment and the ports. */
void tcphs_zeek_begin(struct tcphs_zeek *z, const struct tcphs_zeek_input *in,
                      tcphs_zeek_is_server_port is_server_port);

/** Feeds a segment, the first included, copies and retransmissions too, in capture order. */
void tcphs_zeek_segment(struct tcphs_zeek *z, const struct tcphs_zeek_input *in);

/**
 * The short way for a segment that says nothing new: true when it was such a one and was taken, as
 * tcphs_zeek_segment would have; false when nothing was done.
 */
bool tcphs_zeek_fast_path(struct tcphs_zeek *z, const struct tcphs_zeek_input *in);

/** conn_state as it would be logged now: "S0", "SF", … ; never NULL. */
const char *tcphs_zeek_state(const struct tcphs_zeek *z);

/** history as it would be logged now; "" where Zeek would log none. */
const char *tcphs_zeek_history(const struct tcphs_zeek *z);

#endif
