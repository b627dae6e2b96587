/* segments.c
 * Finds TCP headers through the protocol items "tcp", "ip" and "ipv6", which say where the raw bytes lie, and through
 * "tcp.len", which exists only for a complete segment; or through the taps of the same three. The order of layers in
 * the frame says which IP header belongs to which TCP header; neither items nor taps line up by themselves.
 *
 * The GUI shows a frame to its read filter in a tree without the fields that post-dissectors ask for. A rejected frame
 * is never shown again, so its one TCP header is then found in the frame's bytes by its addresses and ports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "segments.h"

#include <epan/address.h>
#include <epan/dissectors/packet-ip.h>
#include <epan/tap.h>

enum { ICMP_FIXED = 8 };

/* Exactly one TCP header that is no quote. */
static bool has_one_header(const packet_info *pinfo)
{
    unsigned headers = 0;
    for (wmem_list_frame_t *l = wmem_list_head(pinfo->layers); l != NULL; l = wmem_list_frame_next(l)) {
        const int layer = GPOINTER_TO_INT(wmem_list_frame_data(l));
        if (layer == tcphs_sources.icmp || layer == tcphs_sources.icmpv6)
            return false;
        headers += layer == tcphs_sources.tcp;
    }
    return headers == 1;
}

static bool has_layer(const packet_info *pinfo, int wanted)
{
    for (wmem_list_frame_t *l = wmem_list_head(pinfo->layers); l != NULL; l = wmem_list_frame_next(l))
        if (GPOINTER_TO_INT(wmem_list_frame_data(l)) == wanted)
            return true;
    return false;
}

/* The GUI's read filter sees a frame before the host provides fields or taps for it, and a rejected frame is never seen
 * again: only its own bytes are left to look at. */
static bool begin_without_help(struct tcphs_headers *walk)
{
    const packet_info *pinfo = walk->pinfo;
    walk->layer = NULL;
    walk->blind = has_one_header(pinfo) && pinfo->ptype == PT_TCP && !pinfo->fragmented;
    return walk->blind;
}

static const field_info *item(GPtrArray *array, unsigned index)
{
    return array != NULL && index < array->len ? (const field_info *)g_ptr_array_index(array, index) : NULL;
}

static struct tcphs_place place_of(const field_info *fi)
{
    return fi != NULL ? tcphs_place_at(fi->ds_tvb, fi->start) : tcphs_place_at(NULL, 0);
}

static void read_network(const struct tcphs_headers *walk, struct tcphs_sighting *out)
{
    const struct tcphs_ip *ip = &walk->network;
    const guint8 *header = tcphs_bytes_of(ip->place, 0, ip->is_v6 ? TCPHS_IPV6_FIXED : TCPHS_IPV4_FIXED);
    if (header != NULL)
        tcphs_ip_read(header, ip->is_v6, out);
    else /* TCP on something else: the host's own addresses */
        tcphs_tuple_put_addresses(&out->tuple, walk->pinfo);
}

/* The host verified the checksum of the header there, and it is wrong. */
static bool has_bad_checksum(GPtrArray *statuses, struct tcphs_place header, int length)
{
    for (unsigned i = 0; statuses != NULL && i < statuses->len; i++) {
        const field_info *fi = item(statuses, i);
        if (fi->ds_tvb == header.tvb && fi->start >= header.start && fi->start < header.start + length)
            return tcphs_field_uint(fi) == PROTO_CHECKSUM_E_BAD;
    }
    return false;
}

/* Payload bytes of the segment, as tcp.len says; without that field it is a quote, a fragment or cut short. */
static bool payload_by_field(const struct tcphs_headers *walk, struct tcphs_place tcp, guint32 *payload)
{
    for (unsigned i = 0; walk->length != NULL && i < walk->length->len; i++) {
        const field_info *fi = item(walk->length, i);
        if (fi->ds_tvb == tcp.tvb && fi->start == tcp.start) {
            *payload = tcphs_field_uint(fi);
            return true;
        }
    }
    return false;
}

/* Goes on to the next record of TCP's tap: of the next header that the host has read to its end. */
static void pass_record(struct tcphs_headers *walk)
{
    walk->record = (const struct tcpheader *)fetch_tapped_data(tcphs_sources.tap_tcp, (int)++walk->records_seen);
}

/* Payload bytes from where the packet ends. */
static bool payload_by_network(const struct tcphs_headers *walk, struct tcphs_place tcp, int header, guint32 *payload)
{
    const int end = tcp.tvb == walk->network.place.tvb ? walk->end : (int)tvb_reported_length(tcp.tvb);
    const int length = end - tcp.start - header;
    if (length < 0)
        return false;
    *payload = (guint32)length;
    return true;
}

/* Payload bytes from whatever the source has. A header whose options were cut off is no longer in the tap, and yet
 * whole. */
static bool payload_of(struct tcphs_headers *walk, struct tcphs_place tcp, const guint8 *bytes, guint32 *payload)
{
    const int header = tcphs_tcp_length(bytes);
    if (walk->blind)
        return payload_by_network(walk, tcp, header, payload);
    if (walk->source == TCPHS_FROM_FIELDS)
        return payload_by_field(walk, tcp, payload);
    const struct tcpheader *record = walk->record;
    if (record == NULL)
        return !walk->pinfo->fragmented && payload_by_network(walk, tcp, header, payload);
    pass_record(walk);
    *payload = record->th_seglen;
    return record->th_have_seglen;
}

/* The fixed header and the options; false when too little of it was captured. */
static bool read_header(struct tcphs_headers *walk, struct tcphs_place tcp, struct tcphs_sighting *out)
{
    struct tcphs_segment *s = &out->segment;
    const guint8 *p = tcphs_bytes_of(tcp, 0, TCPHS_TCP_UP_TO_WINDOW);
    if (p == NULL)
        return false;
    const int header = tcphs_tcp_length(p);
    if (header < TCPHS_TCP_FIXED || !payload_of(walk, tcp, p, &s->length))
        return false;
    tcphs_tcp_read(walk->pinfo, tcp, s);
    out->payload_captured = tcphs_bytes_of(tcp, header, (int)s->length) != NULL;
    out->bad_checksum = has_bad_checksum(walk->checksum, tcp, TCPHS_TCP_FIXED);
    out->bad_network_checksum = has_bad_checksum(walk->network_checksum, walk->network.place, TCPHS_IPV4_FIXED);
    return true;
}

/* An ICMP error quotes the packet right behind its own eight bytes; which errors end an attempt is RFC 1122 4.2.3.9. */
static bool is_fatal_icmp(const struct tcphs_headers *walk)
{
    const struct tcphs_place icmp = tcphs_place_at(walk->network.place.tvb, walk->network.place.start - ICMP_FIXED);
    const guint8 *p = tcphs_bytes_of(icmp, 0, ICMP_FIXED);
    if (p == NULL)
        return false;
    enum { UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, TIME_EXCEEDED = 11, PARAMETER = 12 };
    enum { UNREACHABLE_V6 = 1, TIME_EXCEEDED_V6 = 3, PARAMETER_V6 = 4 };
    if (walk->network.is_v6)
        return p[0] == UNREACHABLE_V6 || p[0] == TIME_EXCEEDED_V6 || p[0] == PARAMETER_V6;
    return (p[0] == UNREACHABLE && p[1] != FRAGMENTATION_NEEDED) || p[0] == TIME_EXCEEDED || p[0] == PARAMETER;
}

/* What TCP's tap alone tells of a header that lies in no bytes which the host shows: no options.
 * The window may have been scaled by the host, which did not keep the scale. */
static void read_record(struct tcphs_headers *walk, const struct tcpheader *record, struct tcphs_sighting *out)
{
    struct tcphs_segment *s = &out->segment;
    pass_record(walk);
    s->time = tcphs_nanoseconds(&walk->pinfo->abs_ts);
    s->frame = walk->pinfo->num;
    s->seq = record->th_rawseq;
    s->ack = record->th_rawack;
    s->flags = record->th_flags & 0x1FF;
    s->window = (guint16)MIN(record->th_win, UINT16_MAX);
    s->length = record->th_seglen;
    if (s->flags & TCPHS_URG)
        s->urgent = 1; /* not known: nothing can be said against it */
    if (s->flags & TCPHS_SYN)
        s->options = TCPHS_OPTIONS_CUT;
    out->payload_captured = true;
    out->whole = record->th_have_seglen;
}

/* The bytes that the host shows beside the frame's own, as those put together from fragments. */
static struct tcphs_place place_of_buffer(const struct tcphs_headers *walk, const GSList *node)
{
    tvbuff_t *tvb = get_data_source_tvb((const struct data_source *)node->data);
    return tvb == walk->frame ? walk->all : tcphs_place_at(tvb, 0);
}

/* Where a header that the tap tells of lies with all it carries: at the place behind its IP header or, where IP came in
 * fragments, at the start of a buffer that the host made. */
static struct tcphs_place place_of_record(const struct tcphs_headers *walk, struct tcphs_place place)
{
    const struct tcpheader *record = walk->record;
    const guint8 *header = tcphs_bytes_of(place, 0, TCPHS_TCP_FIXED);
    if (tcphs_is_record_of(record, header) &&
        tcphs_bytes_of(place, tcphs_tcp_length(header), (int)record->th_seglen) != NULL)
        return place;
    for (const GSList *l = walk->pinfo->data_src; l != NULL; l = l->next) {
        const struct tcphs_place buffer = place_of_buffer(walk, l);
        if (buffer.tvb != walk->frame && tcphs_is_record_of(record, tcphs_bytes_of(buffer, 0, TCPHS_TCP_UP_TO_ACK)))
            return buffer;
    }
    return place;
}

/* The same of a header that the tap does not tell of, for its options are cut or make no sense: what the fragments of
 * an IP packet were put together to is the next buffer. */
static struct tcphs_place place_behind_fragments(const struct tcphs_headers *walk, struct tcphs_place place)
{
    if (!walk->network.is_fragment || walk->pinfo->fragmented)
        return place;
    for (const GSList *l = walk->pinfo->data_src; l != NULL && l->next != NULL; l = l->next)
        if (get_data_source_tvb((const struct data_source *)l->data) == walk->network.place.tvb)
            return place_of_buffer(walk, l->next);
    return place;
}

static bool read_sighting(struct tcphs_headers *walk, struct tcphs_place tcp, struct tcphs_sighting *out)
{
    memset(out, 0, sizeof *out);
    const bool by_taps = walk->source == TCPHS_FROM_TAPS && !walk->blind && !walk->in_icmp;
    const struct tcpheader *record = by_taps ? walk->record : NULL;
    if (by_taps)
        tcp = record != NULL ? place_of_record(walk, tcp) : place_behind_fragments(walk, tcp);
    const guint8 *ports = tcphs_bytes_of(tcp, 0, 4);
    read_network(walk, out);
    out->stream = TCPHS_NO_STREAM;
    if (record != NULL && !tcphs_is_record_of(record, tcphs_bytes_of(tcp, 0, TCPHS_TCP_UP_TO_ACK))) {
        tcphs_sighting_put_ports(out, record->th_sport, record->th_dport);
        read_record(walk, record, out);
    } else if (ports != NULL) {
        tcphs_sighting_put_ports(out, tcphs_get16(ports), tcphs_get16(ports + 2));
        out->icmp = walk->in_icmp;
        out->icmp_error = walk->in_icmp && is_fatal_icmp(walk);
        out->whole = !walk->in_icmp && read_header(walk, tcp, out);
    } else {
        return false;
    }
    out->sight.interface = tcphs_interface_of(walk->pinfo);
    out->sight.path = walk->path;
    return true;
}

/* The innermost place in the frame where an IP header with these addresses is followed by these ports. */
static bool find_header(struct tcphs_headers *walk, struct tcphs_place *tcp)
{
    const packet_info *pinfo = walk->pinfo;
    const bool v6 = pinfo->src.type == AT_IPv6;
    const int fixed = v6 ? TCPHS_IPV6_FIXED : TCPHS_IPV4_FIXED, at = v6 ? 8 : 12, length = v6 ? 16 : 4;
    const struct tcphs_place all = tcphs_place_at(walk->frame, 0);
    const int captured = all.captured;
    if ((!v6 && pinfo->src.type != AT_IPv4) || captured < fixed + 4)
        return false;
    const guint8 *bytes = all.bytes;
    for (int start = captured - fixed - 4; start >= 0; start--) {
        const guint8 *p = bytes + start;
        const int header = v6 ? fixed : (p[0] & 15) * 4; /* behind IPv6 extension headers nothing is found: rare */
        if (p[0] >> 4 != (v6 ? 6 : 4) || header < fixed || start + header + 4 > captured ||
            memcmp(p + at, pinfo->src.data, (size_t)length) != 0 ||
            memcmp(p + at + length, pinfo->dst.data, (size_t)length) != 0 ||
            tcphs_get16(p + header) != pinfo->srcport || tcphs_get16(p + header + 2) != pinfo->destport)
            continue;
        walk->network = tcphs_ip_at(tcphs_part_of(all, start), v6);
        walk->end = tcphs_ip_end(&walk->network, (int)tvb_reported_length(walk->frame));
        *tcp = tcphs_part_of(all, start + header);
        return true;
    }
    return false;
}

/* Paths that go through a tunnel; the others are VLAN numbers. */
#define TUNNEL_PATH 0x80000000u

enum { UDP = 8, UDP_LENGTH = 4 };

static bool is_in_udp(int tunnel)
{
    return tunnel == tcphs_sources.vxlan || tunnel == tcphs_sources.gtp || tunnel == tcphs_sources.geneve;
}

static bool is_tunnel(int layer)
{
    return layer == tcphs_sources.gre || is_in_udp(layer);
}

/* The number that tells tunnels between the same two ends apart: GRE key, VXLAN and Geneve network, GTP endpoint. */
static guint32 tunnel_number(const struct tcphs_headers *walk)
{
    enum { GRE_KEY = 0x20, GRE_CHECKSUM = 0x80 };
    const struct tcphs_ip *outer = &walk->network;
    if (walk->tunnel == tcphs_sources.gre) {
        const guint8 *gre = tcphs_bytes_of(outer->place, outer->length, 12);
        return gre != NULL && (gre[0] & GRE_KEY) ? tcphs_get32(gre + ((gre[0] & GRE_CHECKSUM) ? 8 : 4)) : 0;
    }
    if (is_in_udp(walk->tunnel)) {
        const guint8 *header = tcphs_bytes_of(outer->place, outer->length + UDP, 8);
        return header != NULL ? tcphs_get32(header + 4) : 0;
    }
    return 0;
}

/* A tunnel over UDP ends with its datagram, which may be shorter than its packet. */
static int end_of_datagram(const struct tcphs_headers *walk)
{
    const struct tcphs_ip *outer = &walk->network;
    const guint8 *udp = tcphs_bytes_of(outer->place, outer->length, UDP);
    const int length = udp != NULL ? tcphs_get16(udp + UDP_LENGTH) : 0;
    return length >= UDP ? MIN(walk->end, outer->place.start + outer->length + length) : walk->end;
}

/* One word more in a number; it has no seed, so that every process gives the same paths. */
static guint64 number_with(guint64 number, guint64 word)
{
    number = (number ^ word) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
    return number ^ number >> 32;
}

/* An IP header inside what the last one carries. Both directions of a tunnel get the same number, unless its header has
 * one for each (GTP); the store joins those. */
static void pass_tunnel(struct tcphs_headers *walk)
{
    struct tcphs_sighting outer;
    memset(&outer, 0, sizeof outer);
    read_network(walk, &outer);
    tcphs_tuple_put_in_order(&outer.tuple, tcphs_tuple_order(&outer.tuple));
    guint64 words[sizeof outer.tuple / 8], number = 0;
    memcpy(words, &outer.tuple, sizeof words);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        number = number_with(number, words[i]);
    number = number_with(number, (guint64)walk->path << 32 | tunnel_number(walk));
    walk->path = (guint32)(number >> 32) | TUNNEL_PATH;
}

/* Where a packet ends: where it says, but no further than what it came in. */
static int end_of(const struct tcphs_headers *walk, const struct tcphs_ip *inner)
{
    const tvbuff_t *tvb = inner->place.tvb;
    if (tvb == NULL)
        return 0;
    return tcphs_ip_end(inner, tvb == walk->network.place.tvb ? walk->end : (int)tvb_reported_length(tvb));
}

static void pass_network(struct tcphs_headers *walk, struct tcphs_place place, bool is_v6)
{
    const struct tcphs_ip inner = tcphs_ip_at(place, is_v6);
    if (walk->network.place.tvb != NULL && !walk->in_icmp)
        pass_tunnel(walk);
    if (walk->source == TCPHS_FROM_TAPS) {
        walk->end = is_in_udp(walk->tunnel) ? end_of_datagram(walk) : walk->end;
        walk->end = end_of(walk, &inner);
    }
    walk->tunnel = 0;
    walk->network = inner;
}

/* Where the bytes are that an address points to: the host's copy of an IPv4 address lies where the header does. */
static struct tcphs_place place_pointed_to(const struct tcphs_headers *walk, const guint8 *pointer, int before)
{
    for (const GSList *l = walk->pinfo->data_src; l != NULL; l = l->next) {
        const struct tcphs_place buffer = place_of_buffer(walk, l);
        if (buffer.captured > before && pointer >= buffer.bytes + before && pointer < buffer.bytes + buffer.captured)
            return tcphs_part_of(buffer, (int)(pointer - buffer.bytes) - before);
    }
    return tcphs_place_at(NULL, 0);
}

/* The next IP header behind the last one with this source address; that of IPv6 is a copy. */
static struct tcphs_place place_of_source(const struct tcphs_headers *walk, const address *sender, int version)
{
    const int before = version == 6 ? 8 : 12;
    if (sender->data == NULL || sender->len <= 0)
        return tcphs_place_at(NULL, 0);
    const struct tcphs_place place = place_pointed_to(walk, (const guint8 *)sender->data, before);
    if (place.tvb != NULL)
        return place;
    for (const GSList *l = walk->pinfo->data_src; l != NULL; l = l->next) {
        const struct tcphs_place buffer = place_of_buffer(walk, l);
        int start = walk->network.place.tvb == buffer.tvb ? walk->network.place.start + 1 : 0;
        for (const guint8 *p; (p = tcphs_bytes_of(buffer, start, before + sender->len)) != NULL; start++)
            if (p[0] >> 4 == version && memcmp(p + before, sender->data, (size_t)sender->len) == 0)
                return tcphs_part_of(buffer, start);
    }
    return tcphs_place_at(NULL, 0);
}

/* The next IP header, by its item or by its tap. */
static struct tcphs_place next_network(struct tcphs_headers *walk, bool is_v6)
{
    const unsigned index = is_v6 ? walk->ipv6_seen++ : walk->ip_seen++;
    if (walk->source == TCPHS_FROM_FIELDS)
        return place_of(item(is_v6 ? walk->ipv6 : walk->ip, index));
    if (is_v6) {
        const ws_ip6 *ip = (const ws_ip6 *)fetch_tapped_data(tcphs_sources.tap_ipv6, (int)index);
        return ip != NULL ? place_of_source(walk, &ip->ip6_src, 6) : place_of(NULL);
    }
    const ws_ip4 *ip = (const ws_ip4 *)fetch_tapped_data(tcphs_sources.tap_ip, (int)index);
    return ip != NULL ? place_of_source(walk, &ip->ip_src, 4) : place_of(NULL);
}

/* The next TCP header: by its item, or behind the IP header last passed. */
static struct tcphs_place next_tcp(struct tcphs_headers *walk)
{
    if (walk->source == TCPHS_FROM_FIELDS)
        return place_of(item(walk->tcp, walk->tcp_seen++));
    return tcphs_part_of(walk->network.place, walk->network.length);
}

static bool begin_with_taps(struct tcphs_headers *walk)
{
    walk->all = tcphs_place_at(walk->frame, 0);
    walk->record = (const struct tcpheader *)fetch_tapped_data(tcphs_sources.tap_tcp, 0);
    if (walk->record != NULL || fetch_tapped_data(tcphs_sources.tap_ip, 0) != NULL ||
        fetch_tapped_data(tcphs_sources.tap_ipv6, 0) != NULL)
        return true;
    /* IP hands its header out before it calls TCP, so TCP behind IP without it means that there are no taps. */
    if (!has_layer(walk->pinfo, tcphs_sources.tcp) ||
        !(has_layer(walk->pinfo, tcphs_sources.ip) || has_layer(walk->pinfo, tcphs_sources.ipv6)))
        return true;
    return tcphs_sources.in_window && begin_without_help(walk);
}

bool tcphs_headers_begin(struct tcphs_headers *walk, packet_info *pinfo, tvbuff_t *frame, proto_tree *tree)
{
    /* A window that dissects anew because TCP is now to verify checksums has decided before we ask that no tree is
     * needed: taps tell all else. */
    const bool by_taps = tcphs_sources.source == TCPHS_FROM_TAPS || (tcphs_sources.in_window && tree == NULL);
    *walk = (struct tcphs_headers){ .pinfo = pinfo, .frame = frame, .path = pinfo->vlan_id };
    walk->source = by_taps ? TCPHS_FROM_TAPS : TCPHS_FROM_FIELDS;
    if (pinfo->layers == NULL)
        return true;
    walk->layer = wmem_list_head(pinfo->layers);
    if (by_taps)
        return begin_with_taps(walk);
    walk->tcp = tree != NULL ? proto_get_finfo_ptr_array(tree, tcphs_sources.tcp) : NULL;
    if (walk->tcp == NULL) {
        walk->layer = NULL;
        if (tree != NULL)
            begin_without_help(walk);
        return true;
    }
    walk->ip = proto_get_finfo_ptr_array(tree, tcphs_sources.ip);
    walk->ipv6 = proto_get_finfo_ptr_array(tree, tcphs_sources.ipv6);
    walk->length = proto_get_finfo_ptr_array(tree, tcphs_sources.length);
    walk->checksum = proto_get_finfo_ptr_array(tree, tcphs_sources.checksum);
    walk->network_checksum = proto_get_finfo_ptr_array(tree, tcphs_sources.network_checksum);
    return true;
}

bool tcphs_headers_next(struct tcphs_headers *walk, struct tcphs_sighting *out)
{
    struct tcphs_place found;
    if (walk->blind && walk->tcp_seen++ == 0 && find_header(walk, &found))
        return read_sighting(walk, found, out);
    while (walk->layer != NULL) {
        const int layer = GPOINTER_TO_INT(wmem_list_frame_data(walk->layer));
        walk->layer = wmem_list_frame_next(walk->layer);
        if (layer == tcphs_sources.ip) {
            pass_network(walk, next_network(walk, false), false);
        } else if (layer == tcphs_sources.ipv6) {
            pass_network(walk, next_network(walk, true), true);
        } else if (is_tunnel(layer)) {
            walk->tunnel = layer;
        } else if (layer == tcphs_sources.icmp || layer == tcphs_sources.icmpv6) {
            walk->in_icmp = true;
        } else if (layer == tcphs_sources.tcp) {
            if (read_sighting(walk, next_tcp(walk), out))
                return true;
        }
    }
    return false;
}
