/* attempts.h
 * The attempts of one client to connect, in order: how often it tried again on another port of its own, and how long it
 * waited until it had a connection. Says the same whatever the order in which they are told.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_ATTEMPTS_H
#define TCPHS_ATTEMPTS_H

#include <glib.h>

/** One attempt; times in nanoseconds. Lifetime: that of the attempts it is one of. */
struct tcphs_attempt {
    gsize target;       /**< any number that tells server addresses with their ports apart */
    gint64 start;       /**< of its first SYN */
    gint64 over;        /**< when it was established or failed, or its last SYN */
    gint64 established; /**< -1 never */
    guint16 port;       /**< of the client */
};

/** Attempts of a client. Zeroed memory is none. Lifetime: that of the statistics of its client. */
struct tcphs_attempts {
    guint count;
    struct tcphs_attempt only; /* while there is no more than one */
    GArray *all;
};

/** Sums over them. Lifetime: one call. */
struct tcphs_retries {
    guint64 on_other_ports; /**< attempts that follow a failed one to the same target, from another port */
    gint64
        longest_wait; /**< from the first SYN of a first try to established, failed tries before it included; -1 none */
};

/** Takes in one more. */
void tcphs_attempts_add(struct tcphs_attempts *a, const struct tcphs_attempt *attempt);

/** Sums them up. A try belongs to the one before it when it comes within a minute after that was over. */
struct tcphs_retries tcphs_attempts_sum(struct tcphs_attempts *a);

/** Gives back what they hold; there are none then. */
void tcphs_attempts_clear(struct tcphs_attempts *a);

#endif
