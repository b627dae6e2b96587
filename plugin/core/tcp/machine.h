/* machine.h
 * The connection state machine of RFC 9293 figure 5 for one endpoint, as an observer on the wire must see it.
 * Decides only "state and event give state"; which events a segment means is decided in syn.c, ack.c, fin.c and rst.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_MACHINE_H
#define TCPHS_MACHINE_H

#include "enums.h"

/** What happens to one endpoint. A segment is one or more "sends" of its sender and "hears" of its receiver. */
enum tcphs_machine_event {
    TCPHS_SENDS_SYN = 1,
    TCPHS_SENDS_SYN_ACK,
    TCPHS_SENDS_SYNCHRONISED, /**< a segment that only a synchronised end sends, its handshake not captured */
    TCPHS_SENDS_ACK_OF_FIN,
    TCPHS_SENDS_FIN,
    TCPHS_SENDS_FIN_CROSSING, /**< a FIN sent before the peer's FIN arrived: it does not acknowledge it */
    TCPHS_SENDS_RST,
    TCPHS_HEARS_SYN,
    TCPHS_HEARS_SYN_ACK, /**< one that acknowledges this end's SYN */
    TCPHS_HEARS_ACK_OF_SYN,
    TCPHS_HEARS_FIN, /**< in sequence */
    TCPHS_HEARS_ACK_OF_FIN,
    TCPHS_HEARS_RST, /**< acceptable */
    /* What was believed of it was wrong; so these, and no others, lead back. */
    TCPHS_MISSED_SYN_ACK,    /**< it sends its SYN again: it has not heard the answer */
    TCPHS_MISSED_ACK_OF_SYN, /**< it sends its SYN-ACK again: it has not heard that acknowledged */
    TCPHS_MISSED_ACK_OF_FIN, /**< it has not heard its FIN acknowledged */
    TCPHS_SENT_NO_FIN,       /**< what was taken for its FIN was none */
    TCPHS_HEARD_NO_FIN,      /**< what was taken for its peer's FIN was none, or was not heard */
    TCPHS_FORGOTTEN,         /**< nothing is known of it any more, or yet */
    TCPHS_MACHINE_EVENTS,
    TCPHS_RESUMES = TCPHS_MACHINE_EVENTS /**< + a state: it is again what it was, for the RST that ended it was none;
                                            or the other half of a socket connected to itself */
};

/** The event by which an end is again in a state that it had. */
static inline enum tcphs_machine_event tcphs_resumes(unsigned state)
{
    return (enum tcphs_machine_event)(TCPHS_RESUMES + state);
}

/**
 * The state after an event. Total: every state 1..12 and event has an answer, and so has "no state" for TCPHS_FORGOTTEN
 * and tcphs_resumes; anything else gives TCPHS_STATE_NONE.
 */
enum tcphs_state tcphs_machine(enum tcphs_state state, enum tcphs_machine_event event);

#endif
