/* acceptability.h
 * A segment arrives (RFC 9293 3.10.7): where its numbers lie against what its receiver expects, and whether the
 * receiver would accept it. Judges only; process.c writes the states, predicates.c names what is wrong.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ACCEPTABILITY_H
#define TCPHS_ACCEPTABILITY_H

#include "tcp/arrival.h"

/** Why a receiver drops a segment for something else than its numbers. */
enum tcphs_refusal {
    TCPHS_REFUSED_FOR_NOTHING = 0,
    TCPHS_REFUSED_FOR_SIGNATURE, /**< missing, or not expected (RFC 2385, RFC 5925) */
    TCPHS_REFUSED_FOR_TIMESTAMP, /**< it is old (PAWS, RFC 7323 5), and the numbers are right */
    TCPHS_REFUSED_FOR_ECHO,      /**< a SYN-ACK that echoes no timestamp of the SYN */
};

/** Holds a segment against the connection as it stands before it. */
void tcphs_arrival_init(struct tcphs_arrival *a, const struct tcphs_connection *c, const struct tcphs_segment *s);

/** Is a RST with this number exactly where its receiver y would obey it? */
bool tcphs_rst_is_exact(const struct tcphs_arrival *a);

/** … but only if the data before it did not arrive: its receiver may expect more than it has acknowledged. */
bool tcphs_rst_is_doubtful(const struct tcphs_arrival *a);

/** Does the RST refuse another SYN that its receiver had sent inside the connection? */
bool tcphs_refuses_foreign_syn(const struct tcphs_arrival *a);

/** It acknowledges y's SYN, and no more than y was seen to send; false when y's initial number is not known. */
bool tcphs_acks_syn(const struct tcphs_arrival *a);

/** While x closes, it acknowledges exactly one sequence number more than y was seen to send: y's FIN, uncaptured. */
bool tcphs_acks_unseen_fin(const struct tcphs_arrival *a);

/** The SYNs were captured whole, and not one of them is signed. */
bool tcphs_is_opened_unsigned(const struct tcphs_connection *c);

/** It bears no signature where one is due, or one by MD5 where none is: its receiver drops it without a word. */
bool tcphs_has_wrong_signature(const struct tcphs_arrival *a);

/** The acknowledgment that was due from the sender: the end of what the receiver sent, or its SYN + 1. */
uint32_t tcphs_due_ack(const struct tcphs_arrival *a);

#endif
