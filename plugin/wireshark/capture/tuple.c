/* tuple.c
 * Puts the two ends of a connection in order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/tuple.h"

/* Half an address at a time, in registers: all of this is done for every segment. */
static guint64 half_of(const guint8 *address, unsigned half)
{
    guint64 word;
    memcpy(&word, address + half * sizeof word, sizeof word);
    return word;
}

/* As memcmp would say. */
int tcphs_tuple_order(const struct tcphs_tuple *t)
{
    for (unsigned half = 0; half < 2; half++) {
        const guint64 a = half_of(t->address[0], half), b = half_of(t->address[1], half);
        if (a != b)
            return GUINT64_FROM_BE(a) < GUINT64_FROM_BE(b) ? -1 : 1;
    }
    return (int)t->port[0] - (int)t->port[1];
}

guint8 tcphs_tuple_put_in_order(struct tcphs_tuple *t, int order)
{
    if (order <= 0)
        return 0;
    for (unsigned half = 0; half < 2; half++) {
        const guint64 a = half_of(t->address[0], half), b = half_of(t->address[1], half);
        memcpy(t->address[0] + half * sizeof b, &b, sizeof b);
        memcpy(t->address[1] + half * sizeof a, &a, sizeof a);
    }
    const guint16 port = t->port[0];
    t->port[0] = t->port[1];
    t->port[1] = port;
    return 1;
}

static void copy_address_bytes(guint8 *to, const address *from)
{
    enum { IPV4 = 4, MOST = 16 };
    if (from->data == NULL || from->len <= 0)
        return;
    if (from->len == IPV4)
        memcpy(to, from->data, IPV4); /* no call */
    else
        memcpy(to, from->data, (size_t)MIN(from->len, MOST));
}

void tcphs_tuple_put_addresses(struct tcphs_tuple *tuple, const address *sender, const address *receiver)
{
    copy_address_bytes(tuple->address[0], sender);
    copy_address_bytes(tuple->address[1], receiver);
    tuple->address_type = (guint16)sender->type;
}
