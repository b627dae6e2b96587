/* tuple.h
 * The two ends of a connection, in an order that both directions share.
 * Knows the host's addresses; knows nothing of headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_TUPLE_H
#define TCPHS_TUPLE_H

#include "compat.h"

/** Addresses and ports of both ends, the lower one first, so that both directions give the same key. Lifetime: that of
 * what it is part of. */
struct tcphs_tuple {
    guint8 address[2][16];
    guint16 port[2];
    guint16 address_type;
    guint16 zero; /**< no padding: the key is hashed and compared as bytes */
};

/** Below zero where the first end is the lower one, 0 where both are the same. */
int tcphs_tuple_order(const struct tcphs_tuple *tuple);

/** Turns a tuple with the sender first, and this order, into one with the lower end first; returns which end sent. */
guint8 tcphs_tuple_put_in_order(struct tcphs_tuple *tuple, int order);

/** Puts two addresses, the sender's first, into a tuple that is all zero; those longer than 16 bytes are cut. */
void tcphs_tuple_put_addresses(struct tcphs_tuple *tuple, const address *sender, const address *receiver);

#endif
