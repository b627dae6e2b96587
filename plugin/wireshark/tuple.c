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

void tcphs_tuple_put_addresses(struct tcphs_tuple *tuple, const packet_info *pinfo)
{
    copy_address_bytes(tuple->address[0], &pinfo->src);
    copy_address_bytes(tuple->address[1], &pinfo->dst);
    tuple->address_type = (guint16)pinfo->src.type;
}

bool tcphs_tuple_of_frame(const packet_info *pinfo, struct tcphs_tuple *tuple, guint8 *from)
{
    if (pinfo->ptype != PT_TCP)
        return false;
    memset(tuple, 0, sizeof *tuple);
    tcphs_tuple_put_addresses(tuple, pinfo);
    tuple->port[0] = (guint16)pinfo->srcport;
    tuple->port[1] = (guint16)pinfo->destport;
    *from = tcphs_tuple_put_in_order(tuple, tcphs_tuple_order(tuple));
    return true;
}

static bool is_address(const address *a, const guint8 *bytes)
{
    const size_t length = (size_t)a->len;
    return a->len > 0 && length <= 16 && a->data != NULL && memcmp(a->data, bytes, length) == 0;
}

bool tcphs_tuple_is_of_frame(const packet_info *pinfo, const struct tcphs_tuple *t, guint8 from)
{
    return pinfo->ptype == PT_TCP && pinfo->src.type == t->address_type && pinfo->srcport == t->port[from] &&
           pinfo->destport == t->port[!from] && is_address(&pinfo->src, t->address[from]) &&
           is_address(&pinfo->dst, t->address[!from]);
}
