/* plain_frame.c
 * The short way to the header of nearly every frame, by taps. What it reads is what the walk of segments.c would: a
 * test holds them to each other on every capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "segments.h"

#include <epan/address.h>
#include <epan/dissectors/packet-ip.h>
#include <epan/tap.h>
#include <wiretap/wtap.h>

/* Ethernet, then IP, by whose addresses packet_info knows the frame: no other IP header is in front of it, and none
 * behind it, or packet_info would know the frame by that. */
static bool is_right_behind_ethernet(const packet_info *pinfo, const guint8 *bytes, const guint8 *ip, int version)
{
    enum { ETHERNET = 14, TYPE = 12, IPV4 = 0x0800, IPV6 = 0x86DD };
    const wtap_rec *rec = pinfo->rec;
    return ip == bytes + ETHERNET && rec != NULL && rec->rec_type == REC_TYPE_PACKET &&
           rec->rec_header.packet_header.pkt_encap == WTAP_ENCAP_ETHERNET &&
           tcphs_get16(bytes + TYPE) == (version == 4 ? IPV4 : IPV6);
}

/* Where the IP header lies whose source address the host's record points to; NULL when there are several IP headers, or
 * packet_info does not know the frame by this one. */
static const guint8 *only_recorded_network(const packet_info *pinfo, const guint8 *bytes, int captured)
{
    const ws_ip4 *ip = (const ws_ip4 *)fetch_tapped_data(tcphs_sources.tap_ip, 0);
    const ws_ip6 *ipv6 = (const ws_ip6 *)fetch_tapped_data(tcphs_sources.tap_ipv6, 0);
    if ((ip != NULL) == (ipv6 != NULL))
        return NULL;
    const guint8 *sender = (const guint8 *)(ip != NULL ? ip->ip_src.data : ipv6->ip6_src.data);
    const int version = ip != NULL ? 4 : 6, before = ip != NULL ? 12 : 8, length = ip != NULL ? 4 : 16;
    if (pinfo->src.data == NULL || sender == NULL || pinfo->src.type != (ip != NULL ? AT_IPv4 : AT_IPv6))
        return NULL;
    if (sender >= bytes + before && sender < bytes + captured) /* into the frame: a further header would be another's */
        return pinfo->src.data == sender ? sender - before : NULL;
    if (fetch_tapped_data(ip != NULL ? tcphs_sources.tap_ip : tcphs_sources.tap_ipv6, 1) != NULL)
        return NULL;
    for (int start = 0; start + before + length <= captured; start++) /* … or at a copy */
        if (bytes[start] >> 4 == version && memcmp(bytes + start + before, sender, (size_t)length) == 0)
            return memcmp(pinfo->src.data, sender, (size_t)length) == 0 ? bytes + start : NULL;
    return NULL;
}

static const guint8 *only_network(const packet_info *pinfo, const guint8 *bytes, int captured)
{
    const guint8 *sender = (const guint8 *)pinfo->src.data;
    const bool v4 = pinfo->src.type == AT_IPv4;
    const int version = v4 ? 4 : 6, before = v4 ? 12 : 8;
    if ((v4 || pinfo->src.type == AT_IPv6) && sender > bytes + before && sender < bytes + captured &&
        is_right_behind_ethernet(pinfo, bytes, sender - before, version))
        return sender - before;
    return only_recorded_network(pinfo, bytes, captured);
}

/* In parts, each small enough for the compiler to do without a loop. */
static void clear(struct tcphs_sighting *s)
{
    s->segment = (struct tcphs_segment){ 0 };
    s->tuple = (struct tcphs_tuple){ 0 };
    s->sight = (struct tcphs_sight){ 0 };
    s->icmp = s->icmp_error = s->bad_checksum = s->bad_network_checksum = false;
}

/* The length of the header, 0 when extension headers may follow. */
static int read_only_network(const guint8 *ip, struct tcphs_sighting *out)
{
    enum { NEXT_HEADER = 6, TCP = 6 };
    const bool is_v6 = ip[0] >> 4 == 6;
    tcphs_ip_read(ip, is_v6, out);
    return !is_v6 ? (ip[0] & 15) * 4 : ip[NEXT_HEADER] == TCP ? TCPHS_IPV6_FIXED : 0;
}

bool tcphs_sighting_of_plain_frame(const packet_info *pinfo, tvbuff_t *frame, struct tcphs_sighting *out)
{
    const struct tcpheader *record = tcphs_sources.source == TCPHS_FROM_TAPS && pinfo->ptype == PT_TCP
                                         ? (const struct tcpheader *)fetch_tapped_data(tcphs_sources.tap_tcp, 0)
                                         : NULL;
    if (record == NULL || !record->th_have_seglen || fetch_tapped_data(tcphs_sources.tap_tcp, 1) != NULL)
        return false;
    const int captured = (int)tvb_captured_length(frame);
    const guint8 *bytes = tvb_get_ptr(frame, 0, captured), *ip = only_network(pinfo, bytes, captured);
    if (ip == NULL || ip + TCPHS_IPV4_FIXED > bytes + captured ||
        (ip[0] >> 4 == 6 && ip + TCPHS_IPV6_FIXED > bytes + captured))
        return false;
    clear(out);
    out->whole = true;
    out->stream = record->th_stream;
    const int network = read_only_network(ip, out);
    const guint8 *tcp = ip + network;
    if (network == 0 || tcp + TCPHS_TCP_FIXED > bytes + captured || !tcphs_is_record_of(record, tcp))
        return false;
    const int header = tcphs_tcp_length(tcp);
    if (header < TCPHS_TCP_FIXED || tcp + header > bytes + captured)
        return false;
    tcphs_tcp_read_whole(pinfo, tcp, header, &out->segment);
    out->segment.length = record->th_seglen;
    out->payload_captured = record->th_seglen <= (guint32)(bytes + captured - tcp - header);
    tcphs_sighting_put_ports(out, record->th_sport, record->th_dport);
    out->sight.interface = tcphs_interface_of(pinfo);
    out->sight.path = pinfo->vlan_id;
    return true;
}
