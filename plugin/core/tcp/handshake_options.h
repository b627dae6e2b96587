/* handshake_options.h
 * What each end offers in its SYN or SYN-ACK, and what both have agreed on. How a window is scaled is in state.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_HANDSHAKE_OPTIONS_H
#define TCPHS_HANDSHAKE_OPTIONS_H

#include "tcp/process.h"

/** What a SYN or SYN-ACK offers, as one number: its options (enum tcphs_option) and, above them, its ECN bits. */
static inline uint16_t tcphs_offer_of(const struct tcphs_segment *s)
{
    return (uint16_t)(s->options | (s->flags & TCPHS_ECN_BITS) << 6);
}

/** The options of such a number … */
static inline uint16_t tcphs_options_of(unsigned offer)
{
    return (uint16_t)(offer & ~((unsigned)TCPHS_ECN_BITS << 6));
}

/** … and its ECN bits (enum tcphs_flag). */
static inline uint16_t tcphs_ecn_bits_of(unsigned offer)
{
    return (uint16_t)(offer >> 6 & TCPHS_ECN_BITS);
}

/** Takes in what the last SYN or SYN-ACK of an end offers. */
void tcphs_note_offer(struct tcphs_end *x, const struct tcphs_segment *s);

/** Works out what both ends have agreed on, by the last SYN of the one and the last SYN-ACK of the other. */
void tcphs_agree(struct tcphs_connection *c, const struct tcphs_end *server, const struct tcphs_end *client);

/** Shows on a handshake step what both ends have offered so far, and from step 2 on what they agreed on. */
void tcphs_emit_options(const struct tcphs_processing *p);

#endif
