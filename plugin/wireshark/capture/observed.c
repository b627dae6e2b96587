/* observed.c
 * From a noted IP payload to a TCP segment: whose it is, how long, whole or not, and whether its receiver would drop it
 * for its checksum.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/observed.h"

#include <epan/in_cksum.h>
#include <wiretap/wtap.h>

#include "capture/tcp_header.h"

enum { ICMPV6 = 58 };

/* Which checksums the host verifies. Lifetime: file. */
static struct {
    bool tcp, ip;
} verified;

void tcphs_observe_checksums_as_the_host(void)
{
    verified.tcp = tcphs_host_verifies_checksum("tcp");
    verified.ip = tcphs_host_verifies_checksum("ip");
}

gint64 tcphs_nanoseconds(const nstime_t *time)
{
    const gint64 most = G_GINT64_CONSTANT(4000000000); /* seconds: until 2096 */
    return CLAMP((gint64)time->secs, -most, most) * 1000000000 + time->nsecs;
}

/* The interface that captured the frame; 0 when the file names none. */
static guint32 interface_of(const packet_info *pinfo)
{
    const wtap_rec *rec = pinfo->rec;
    const bool known =
        rec != NULL && rec->rec_type == REC_TYPE_PACKET && (rec->presence_flags & WTAP_HAS_INTERFACE_ID) != 0;
    return known ? rec->rec_header.packet_header.interface_id : 0;
}

/* In parts, each small enough for the compiler to do without a loop. */
static void clear(struct tcphs_observed *out)
{
    out->segment = (struct tcphs_segment){ 0 };
    out->tuple = (struct tcphs_tuple){ 0 };
    out->point = (struct tcphs_capture_point){ 0 };
    out->whole = out->icmp = out->icmp_error = out->payload_captured = false;
    out->bad_checksum = out->bad_network_checksum = out->is_dropped = false;
}

/* Addresses, TTL or hop limit, and the id that IPv4 has. */
static void read_network(const struct tcphs_ip_payload *p, struct tcphs_observed *out)
{
    const ws_ip4 *v4 = WS_IP4_PTR(p->ip);
    const ws_ip6 *v6 = WS_IP6_PTR(p->ip);
    if (v4 != NULL) {
        out->point.ttl = out->segment.ttl = v4->ip_ttl;
        out->point.ip_id = out->segment.ip_id = (guint16)v4->ip_id;
    } else if (v6 != NULL) {
        out->point.ttl = out->segment.ttl = v6->ip6_hop;
    }
    tcphs_tuple_put_addresses(&out->tuple, tcphs_ip_payload_sender(p), tcphs_ip_payload_receiver(p));
}

/* Puts in the ports and turns the tuple so that its lower end is the first. */
static void put_ports(struct tcphs_observed *out, const guint8 *tcp)
{
    out->tuple.port[0] = out->segment.source_port = tcphs_get16(tcp);
    out->tuple.port[1] = out->segment.destination_port = tcphs_get16(tcp + 2);
    const int order = tcphs_tuple_order(&out->tuple);
    out->from = out->segment.from = tcphs_tuple_put_in_order(&out->tuple, order);
    out->segment.to_itself = order == 0;
}

/* Which errors end an attempt: RFC 1122 section 4.2.3.9. A too long packet is no such error. */
static bool is_fatal_icmp(const struct tcphs_ip_payload *icmp)
{
    enum { UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, TIME_EXCEEDED = 11, PARAMETER = 12 };
    enum { UNREACHABLE_V6 = 1, TIME_EXCEEDED_V6 = 3, PARAMETER_V6 = 4 };
    if (!tvb_bytes_exist(icmp->tvb, 0, 2))
        return false;
    const guint8 type = tvb_get_ptr(icmp->tvb, 0, 2)[0], code = tvb_get_ptr(icmp->tvb, 1, 1)[0];
    if (icmp->protocol == ICMPV6)
        return type == UNREACHABLE_V6 || type == TIME_EXCEEDED_V6 || type == PARAMETER_V6;
    return (type == UNREACHABLE && code != FRAGMENTATION_NEEDED) || type == TIME_EXCEEDED || type == PARAMETER;
}

/* Checksums ----------------------------------------------------------------------------------------------------- */

/* Verifies a TCP checksum (RFC 9293 section 3.1). One that is the bare sum of the pseudo-header was captured before the
 * network card filled it in (checksum offload): wrong as captured, and right as sent. */
static void verify_tcp_checksum(struct tcphs_observed *o, const guint8 *tcp, unsigned length)
{
    enum { CHECKSUM = 16 };
    const bool v6 = o->tuple.address_type == AT_IPv6;
    const int address_length = v6 ? 16 : 4;
    const guint32 rest[2] = { g_htonl(v6 ? length : (TCPHS_IP_PROTO_TCP << 16) + length), g_htonl(TCPHS_IP_PROTO_TCP) };
    const vec_t parts[] = { { o->tuple.address[0], address_length },
                            { o->tuple.address[1], address_length },
                            { (const guint8 *)rest, v6 ? 8 : 4 },
                            { tcp, (int)length } };
    guint16 found;
    if (!v6 && o->tuple.address_type != AT_IPv4)
        return;
    memcpy(&found, tcp + CHECKSUM, sizeof found);
    o->bad_checksum = in_cksum(parts, 4) != 0;
    o->is_dropped = o->bad_checksum && found != (guint16)~in_cksum(parts, 3);
}

/* Whether bytes of the frame, or of what the host made out of it, lie there. */
static bool is_in_frame(const packet_info *pinfo, const guint8 *bytes, unsigned length)
{
    for (const GSList *source = pinfo->data_src; source != NULL; source = source->next) {
        tvbuff_t *tvb = get_data_source_tvb((const struct data_source *)source->data);
        const unsigned captured = tvb_captured_length(tvb);
        const uintptr_t begin = captured > 0 ? (uintptr_t)tvb_get_ptr(tvb, 0, (int)captured) : 0;
        const uintptr_t at = (uintptr_t)bytes;
        if (captured >= length && at >= begin && at - begin <= captured - length)
            return true;
    }
    return false;
}

/* The IPv4 header lies around the address that the host points to: unless the host put the packet together of parts,
 * and then nothing is said of it. */
static bool is_bad_network_checksum(const packet_info *pinfo, const struct tcphs_ip_payload *p)
{
    enum { SOURCE_ADDRESS = 12, IPV4_FIXED = 20 };
    const ws_ip4 *v4 = WS_IP4_PTR(p->ip);
    if (v4 == NULL || v4->ip_src.data == NULL)
        return false;
    const guint8 *header = (const guint8 *)v4->ip_src.data - SOURCE_ADDRESS;
    if (!is_in_frame(pinfo, header, IPV4_FIXED))
        return false;
    const int length = (header[0] & 15) * 4;
    return length >= IPV4_FIXED && is_in_frame(pinfo, header, (unsigned)length) && ip_checksum(header, length) != 0;
}

/* Segments ------------------------------------------------------------------------------------------------------ */

/* The header and how much it carries; false when it is no whole segment, or too little of it was captured. */
static bool read_segment(const packet_info *pinfo, const struct tcphs_ip_payload *p, const guint8 *tcp, int captured,
                         struct tcphs_observed *out)
{
    const unsigned reported = tvb_reported_length(p->tvb);
    if (p->is_fragment || p->is_error_copy || captured < TCPHS_TCP_UP_TO_WINDOW)
        return false;
    const int header = tcphs_tcp_length(tcp);
    if (header < TCPHS_TCP_FIXED || reported < (unsigned)header)
        return false;
    out->segment.time = tcphs_nanoseconds(&pinfo->abs_ts);
    out->segment.frame = pinfo->num;
    out->segment.length = reported - (unsigned)header;
    tcphs_tcp_read(tcp, captured, &out->segment);
    out->payload_captured = reported <= (unsigned)captured;
    if (verified.tcp && out->payload_captured)
        verify_tcp_checksum(out, tcp, reported);
    if (verified.ip)
        out->bad_network_checksum = is_bad_network_checksum(pinfo, p);
    out->is_dropped |= out->bad_network_checksum;
    return true;
}

bool tcphs_observe(const packet_info *pinfo, const struct tcphs_ip_payloads *noted, const struct tcphs_ip_payload *p,
                   struct tcphs_observed *out)
{
    enum { PORTS = 4 };
    const int captured = (int)tvb_captured_length(p->tvb);
    if (captured < PORTS)
        return false;
    const guint8 *tcp = tvb_get_ptr(p->tvb, 0, captured);
    clear(out);
    read_network(p, out);
    put_ports(out, tcp);
    out->point.interface = interface_of(pinfo);
    out->point.path = p->path;
    out->icmp = p->icmp >= 0;
    if (out->icmp)
        out->icmp_error = is_fatal_icmp(&noted->list[p->icmp]);
    else
        out->whole = read_segment(pinfo, p, tcp, captured, out);
    return true;
}
