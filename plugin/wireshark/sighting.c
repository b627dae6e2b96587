/* sighting.c
 * Completes what is known of a header by what the host says of the frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "sighting.h"

#include <wiretap/wtap.h>

void tcphs_sighting_put_ports(struct tcphs_sighting *seen, guint16 from, guint16 to)
{
    seen->tuple.port[0] = seen->segment.source_port = from;
    seen->tuple.port[1] = seen->segment.destination_port = to;
    const int order = tcphs_tuple_order(&seen->tuple);
    seen->from = seen->segment.from = tcphs_tuple_put_in_order(&seen->tuple, order);
    seen->segment.to_itself = order == 0;
}

gint64 tcphs_nanoseconds(const nstime_t *time)
{
    const gint64 most = G_GINT64_CONSTANT(4000000000); /* seconds: until 2096 */
    return CLAMP((gint64)time->secs, -most, most) * 1000000000 + time->nsecs;
}

guint32 tcphs_interface_of(const packet_info *pinfo)
{
    const wtap_rec *rec = pinfo->rec;
    const bool known =
        rec != NULL && rec->rec_type == REC_TYPE_PACKET && (rec->presence_flags & WTAP_HAS_INTERFACE_ID) != 0;
    return known ? rec->rec_header.packet_header.interface_id : 0;
}
