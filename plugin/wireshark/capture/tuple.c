/* tuple.c
 * Puts the two ends of a connection in order.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tuple.h"

static int compare_words(guint64 a, guint64 b)
{
    return a == b ? 0 : GUINT64_FROM_BE(a) < GUINT64_FROM_BE(b) ? -1 : 1;
}

/* As memcmp would say, in a step or two: it is asked for every segment. */
int tcphs_tuple_order(const struct tcphs_tuple *t)
{
    guint64 a[2], b[2];
    memcpy(a, t->address[0], sizeof a);
    memcpy(b, t->address[1], sizeof b);
    int order = compare_words(a[0], b[0]);
    if (order == 0)
        order = compare_words(a[1], b[1]);
    return order != 0 ? order : (int)t->port[0] - (int)t->port[1];
}

guint8 tcphs_tuple_put_in_order(struct tcphs_tuple *t, int order)
{
    if (order <= 0)
        return 0;
    guint8 address[16];
    memcpy(address, t->address[0], sizeof address);
    memcpy(t->address[0], t->address[1], sizeof address);
    memcpy(t->address[1], address, sizeof address);
    const guint16 port = t->port[0];
    t->port[0] = t->port[1];
    t->port[1] = port;
    return 1;
}

static void copy_address_bytes(guint8 *to, const address *from)
{
    const size_t length = from->len > 0 ? (size_t)from->len : 0;
    if (from->data != NULL && length > 0)
        memcpy(to, from->data, MIN(length, 16));
}

void tcphs_tuple_put_addresses(struct tcphs_tuple *tuple, const address *sender, const address *receiver)
{
    copy_address_bytes(tuple->address[0], sender);
    copy_address_bytes(tuple->address[1], receiver);
    tuple->address_type = (guint16)sender->type;
}
