/* suspicion.h
 * Questions about a segment that more than one part asks, and must answer alike: is it of another connection, does it
 * show that a RST or the end of a handshake was none. Nothing is changed here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SUSPICION_H
#define TCPHS_SUSPICION_H

#include "tcp/arrival.h"
#include "tcp/timestamps.h"

/* A new SYN on the ports of a connection in TIME-WAIT is beyond doubt after this (60 s is the shortest in use). */
#define TCPHS_TIME_WAIT_OVER (60 * TCPHS_SECOND)

/** The RST is obeyed, or must be believed to be. */
bool tcphs_rst_counts(const struct tcphs_arrival *a);

/** A segment of the side that got the RST which proves that this side still has the connection. */
bool tcphs_survives_rst(const struct tcphs_arrival *a);

/** A segment by which one of the two shows that the RST did not end the connection. */
bool tcphs_disproves_rst(const struct tcphs_arrival *a);

/** A segment of the side that sent the RST which proves that this side still has the connection. */
bool tcphs_outlives_own_rst(const struct tcphs_arrival *a);

/** A RST ahead of all its sender was seen to send, in a closing connection: only what follows can accuse it. */
bool tcphs_may_follow_unseen_end(const struct tcphs_arrival *a);

/** It should complete the handshake, but its sequence number lies far off. */
bool tcphs_is_displaced_final_ack(const struct tcphs_arrival *a);

/** A FIN at the place where x's FIN may have been sent before, uncaptured. */
bool tcphs_is_unseen_fin(const struct tcphs_arrival *a);

/** Both numbers of the segment have a place in this connection: its sender goes on where it stood. */
bool tcphs_fits(const struct tcphs_arrival *a);

/** Its sequence number leaps away from its sender's, and it acknowledges what this connection does not know. */
bool tcphs_is_foreign(const struct tcphs_arrival *a);

/** It lies so far ahead of what its sender was seen to send that only a large gap in the capture would explain it. */
bool tcphs_leaps(const struct tcphs_arrival *a);

/** … but not as far as another foreign segment of the same sender before it. */
bool tcphs_lags_behind_foreign_segment(const struct tcphs_arrival *a);

/** Its numbers may be of another connection, and this one may have ended unseen (port_reuse.c). */
bool tcphs_may_be_of_other_connection(const struct tcphs_arrival *a);

/** A SYN-ACK of other numbers than the one accepted, acknowledging what the receiver never sent: of another connection?
 */
bool tcphs_is_foreign_syn_ack(const struct tcphs_arrival *a);

/** What a closed end sends back to a segment that reaches it: a RST at the number it was asked for, without ACK flag.
 */
bool tcphs_answers_as_closed(const struct tcphs_arrival *a);

/** The handshake goes on where it stood, though its end was assumed by a segment far beyond it (belief.c). */
bool tcphs_contradicts_assumed_open(const struct tcphs_arrival *a);

/** A SYN-ACK with the initial number of one that was kept beside the one believed (belief.c). */
bool tcphs_is_known_alternative(const struct tcphs_arrival *a);

/** A FIN that came with an acknowledgment of bytes not captured: the capture misses a part, perhaps the rest of the
 * close. */
bool tcphs_has_unseen_fin(const struct tcphs_arrival *a);

/** The connection has begun to close, or has been silent for so long that its end may not have been captured. */
bool tcphs_may_have_ended(const struct tcphs_arrival *a);

/** The RST stood at the last acknowledgment captured; its receiver had heard more by then, as it says now. */
bool tcphs_had_heard_more(const struct tcphs_arrival *a);

/** How the timestamp of a SYN lets its receiver, in TIME-WAIT, answer it. */
enum tcphs_time_wait_answer tcphs_answer_by_timestamp(const struct tcphs_arrival *a);

/** A SYN that a receiver in TIME-WAIT refuses for its timestamp, whatever its number (RFC 6191; port_reuse.c). */
bool tcphs_is_too_old_for_time_wait(const struct tcphs_arrival *a);

#endif
