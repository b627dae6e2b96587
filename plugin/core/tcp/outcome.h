/* outcome.h
 * Everything that is shown of one segment. Keeping it is left to history.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_OUTCOME_H
#define TCPHS_OUTCOME_H

#include "findings/findings.h"
#include "tcp/state.h"

/** The pair of numbers that explains a finding. Lifetime: that of its outcome. */
struct tcphs_explanation {
    uint32_t seen, due; /**< from the start of their sequence space, where that is known */
    uint8_t finding;    /**< enum tcphs_finding */
    bool ack_is_right;  /**< of a row explained by acknowledgments first: these are sequence numbers */
};

/** No more findings of one segment are explained by numbers; the rows exclude each other, so that it is never many. */
#define TCPHS_MOST_EXPLAINED 4

/** Everything that is shown of one segment, final when it is returned. Lifetime: one visit. */
struct tcphs_outcome {
    struct tcphs_findings findings;
    struct tcphs_findings backward;            /**< those of them that accuse the earlier segment in frame `back` */
    int64_t waited;                            /**< on a repeated SYN: nanoseconds since the first; -1 absent */
    int64_t time_synack, time_ack, time_setup; /**< nanoseconds; -1 absent */
    int64_t rst_idle; /**< of a RST: nanoseconds since the segment of the connection before it; -1 absent */
    uint32_t frame;
    uint32_t due, seen;                                       /**< acknowledgment pair, valid with has_due */
    struct tcphs_explanation explained[TCPHS_MOST_EXPLAINED]; /**< explained_count of them, as they were found */
    uint32_t back; /**< frame at fault, when a finding points back; 0 = none */
    uint32_t links[TCPHS_LINKS];
    uint32_t links_before[TCPHS_LINKS];     /**< what stood there before this segment changed it, by links_changed */
    uint16_t syn_count, synack_count;       /**< 0 = absent */
    struct tcphs_handshake_options options; /**< on handshake steps */
    uint8_t stage, step, close_steps /**< bit n-1 for step n */, rst_kind, event, accepted;
    uint8_t state[2]; /**< of the two ends, not of the two roles */
    uint8_t usual[2]; /**< tcphs_accepted of data and ACKs in sequence sent by end 0 and 1 from here on */
    uint8_t client;
    uint8_t explained_count;
    uint8_t links_changed; /**< bit per link that pointed elsewhere before */
    int16_t rst_ttl_delta; /**< of a RST: its TTL minus that of its sender's last segment, valid with has_ttl_delta */
    bool assumed, has_due, has_ttl_delta;
    bool came_back;         /**< with waited: the other end has sent something, if not what the SYN asked for */
    bool assumption_begins; /**< set by recall: the first segment that rests on an assumption */
    bool unkept; /**< set by recall: what was found in this segment was not kept, see TCPHS_MOST_LOG_ENTRIES … */
    bool unkept_begins; /**< … and it is the first such segment */
};

/** Fills in what is shown of every segment: the connection as it stands behind it. The rest of o is left alone. */
void tcphs_outcome_of_state(const struct tcphs_connection *c, struct tcphs_outcome *o);

/** What a segment that changes nothing (a copy, an ICMP quote) shows of c: stage, states, links as they are. */
void tcphs_connection_snapshot(const struct tcphs_connection *c, struct tcphs_outcome *o);

#endif
