/* segments.c
 * Reads TCP headers through the protocol items "tcp", "ip" and "ipv6", which say where the raw bytes lie, and through
 * "tcp.len", which exists only for a complete segment. The order of layers in the frame says which IP header belongs
 * to which TCP header; the field arrays alone do not line up.
 *
 * The GUI shows a frame to its read filter in a tree without the fields that post-dissectors ask for. A rejected frame
 * is never shown again, so its one TCP header is then found in the frame's bytes by its addresses and ports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "segments.h"

#include <epan/address.h>
#include <epan/dissectors/packet-ip.h>
#include <epan/dissectors/packet-tcp.h>
#include <epan/prefs-int.h>
#include <epan/prefs.h>
#include <epan/tap.h>
#include <wiretap/wtap.h>

#include "seq.h"

static dissector_handle_t postdissector;
static int id_tcp, id_ip, id_ipv6, id_icmp, id_icmpv6, id_length, id_checksum, id_network_checksum;
static int id_gre, id_vxlan, id_gtp, id_geneve;
static int tap_tcp, tap_ip, tap_ipv6;
static enum tcphs_source source;
static bool in_window; /* of Wireshark: whose read filter sees a frame before the pass that has taps */

enum { FRAGMENT = 44, AUTHENTICATION = 51 }; /* AH: the one header of its kind that IPv4 has, too */
enum { TCP_FIXED = 20, TCP_UP_TO_ACK = 12, TCP_UP_TO_WINDOW = 16, IPV4_FIXED = 20, IPV6_FIXED = 40, ICMP_FIXED = 8 };

void tcphs_segments_look_up(dissector_handle_t handle)
{
    postdissector = handle;
    id_tcp = proto_get_id_by_filter_name("tcp");
    id_ip = proto_get_id_by_filter_name("ip");
    id_ipv6 = proto_get_id_by_filter_name("ipv6");
    id_icmp = proto_get_id_by_filter_name("icmp");
    id_icmpv6 = proto_get_id_by_filter_name("icmpv6");
    id_length = proto_registrar_get_id_byname("tcp.len");
    id_checksum = proto_registrar_get_id_byname("tcp.checksum.status");
    id_network_checksum = proto_registrar_get_id_byname("ip.checksum.status");
    id_gre = proto_get_id_by_filter_name("gre");
    id_vxlan = proto_get_id_by_filter_name("vxlan");
    id_gtp = proto_get_id_by_filter_name("gtp");
    id_geneve = proto_get_id_by_filter_name("geneve");
    tap_tcp = find_tap_id("tcp");
    tap_ip = find_tap_id("ip");
    tap_ipv6 = find_tap_id("ipv6");
}

static bool is_verifying(const char *protocol)
{
    module_t *module = prefs_find_module(protocol);
    pref_t *preference = module != NULL ? prefs_find_preference(module, "check_checksum") : NULL;
    return preference != NULL && prefs_get_bool_value(preference, pref_current);
}

bool tcphs_segments_verify_checksums(void)
{
    return is_verifying("tcp") || is_verifying("ip");
}

/* The fields that the walk reads; none when it reads taps, for their mere asking makes the host build a tree. */
static void want_fields(bool any)
{
    const int wanted[] = { id_tcp, id_ip, id_ipv6, id_length };
    GArray *hfids = any ? g_array_new(FALSE, FALSE, sizeof(int)) : NULL;
    if (any)
        g_array_append_vals(hfids, wanted, G_N_ELEMENTS(wanted));
    if (any && is_verifying("tcp"))
        g_array_append_val(hfids, id_checksum);
    if (any && is_verifying("ip"))
        g_array_append_val(hfids, id_network_checksum);
    set_postdissector_wanted_hfids(postdissector, hfids); /* the host owns and frees the array */
}

/* A tap is filled only while somebody listens; what it holds is fetched during the dissection itself. */
static void listen_to_taps(bool listen)
{
    static const char *const names[] = { "tcp", "ip", "ipv6" };
    static bool listening;
    for (unsigned i = 0; i < G_N_ELEMENTS(names) && listen != listening; i++) {
        GString *error = NULL;
        if (listen)
            error = register_tap_listener(names[i], (void *)(uintptr_t)&names[i], NULL, TL_IS_DISSECTOR_HELPER, NULL,
                                          NULL, NULL, NULL);
        else
            remove_tap_listener((void *)(uintptr_t)&names[i]);
        if (error != NULL)
            g_string_free(error, TRUE); /* no such tap: its headers will not be found, and that is said */
    }
    listening = listen;
}

void tcphs_segments_want(enum tcphs_source from, bool of_window)
{
    source = from;
    in_window = of_window;
    want_fields(from == TCPHS_FROM_FIELDS);
    listen_to_taps(from == TCPHS_FROM_TAPS || in_window);
}

/* Exactly one TCP header that is no quote. */
static bool has_one_header(const packet_info *pinfo)
{
    unsigned headers = 0;
    for (wmem_list_frame_t *l = wmem_list_head(pinfo->layers); l != NULL; l = wmem_list_frame_next(l)) {
        const int layer = GPOINTER_TO_INT(wmem_list_frame_data(l));
        if (layer == id_icmp || layer == id_icmpv6)
            return false;
        headers += layer == id_tcp;
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

/* Looks its bytes up once: what is read from there later needs no more asking. */
static struct tcphs_place place_at(tvbuff_t *tvb, int start)
{
    struct tcphs_place place = { .tvb = tvb, .start = start };
    const int captured = tvb != NULL && start >= 0 ? tvb_captured_length_remaining(tvb, start) : 0;
    if (captured > 0) {
        place.bytes = tvb_get_ptr(tvb, start, captured);
        place.captured = captured;
    }
    return place;
}

static const field_info *item(GPtrArray *array, unsigned index)
{
    return array != NULL && index < array->len ? (const field_info *)g_ptr_array_index(array, index) : NULL;
}

/* The same further on in bytes that have been looked up. */
static struct tcphs_place part_of(struct tcphs_place whole, int from)
{
    if (from < 0 || from >= whole.captured)
        return (struct tcphs_place){ .tvb = whole.tvb, .start = whole.start + from };
    return (struct tcphs_place){ whole.tvb, whole.start + from, whole.bytes + from, whole.captured - from };
}

static struct tcphs_place place_of(const field_info *fi)
{
    return fi != NULL ? place_at(fi->ds_tvb, fi->start) : place_at(NULL, 0);
}

static int compare_words(guint64 a, guint64 b)
{
    return a == b ? 0 : GUINT64_FROM_BE(a) < GUINT64_FROM_BE(b) ? -1 : 1;
}

/* As the bytes stand, but a step or two instead of a call: it is asked for every segment. */
static int compare_ends(const struct tcphs_tuple *t)
{
    guint64 a[2], b[2];
    memcpy(a, t->address[0], sizeof a);
    memcpy(b, t->address[1], sizeof b);
    int order = compare_words(a[0], b[0]);
    if (order == 0)
        order = compare_words(a[1], b[1]);
    return order != 0 ? order : (int)t->port[0] - (int)t->port[1];
}

/* The tuple as read has the sender first; the key has the lower end first. order: compare_ends. */
static guint8 put_in_order(struct tcphs_tuple *t, int order)
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

bool tcphs_tuple_of_frame(const packet_info *pinfo, struct tcphs_tuple *tuple, guint8 *from)
{
    if (pinfo->ptype != PT_TCP)
        return false;
    memset(tuple, 0, sizeof *tuple);
    copy_address_bytes(tuple->address[0], &pinfo->src);
    copy_address_bytes(tuple->address[1], &pinfo->dst);
    tuple->address_type = (guint16)pinfo->src.type;
    tuple->port[0] = (guint16)pinfo->srcport;
    tuple->port[1] = (guint16)pinfo->destport;
    *from = put_in_order(tuple, compare_ends(tuple));
    return true;
}

static bool is_address(const address *a, const guint8 *bytes)
{
    const size_t length = (size_t)a->len;
    return a->len > 0 && length <= 16 && a->data != NULL && memcmp(a->data, bytes, length) == 0;
}

bool tcphs_is_tuple_of_frame(const packet_info *pinfo, const struct tcphs_sighting *seen)
{
    const struct tcphs_tuple *t = &seen->tuple;
    return pinfo->ptype == PT_TCP && pinfo->src.type == t->address_type && pinfo->srcport == t->port[seen->from] &&
           pinfo->destport == t->port[!seen->from] && is_address(&pinfo->src, t->address[seen->from]) &&
           is_address(&pinfo->dst, t->address[!seen->from]);
}

/* Bytes of a header that were captured; NULL when there are fewer than asked for. */
static const guint8 *bytes_of(struct tcphs_place place, int from, int length)
{
    return length >= 0 && from <= place.captured - length ? place.bytes + from : NULL;
}

static guint16 get16(const guint8 *p)
{
    guint16 word;
    memcpy(&word, p, sizeof word);
    return GUINT16_FROM_BE(word);
}

static guint32 get32(const guint8 *p)
{
    guint32 word;
    memcpy(&word, p, sizeof word);
    return GUINT32_FROM_BE(word);
}

static void read_network(const struct tcphs_headers *walk, struct tcphs_sighting *out)
{
    const guint8 *p = bytes_of(walk->network, 0, walk->network_is_v6 ? IPV6_FIXED : IPV4_FIXED);
    if (p == NULL) { /* TCP on something else: the host's own addresses */
        copy_address_bytes(out->tuple.address[0], &walk->pinfo->src);
        copy_address_bytes(out->tuple.address[1], &walk->pinfo->dst);
        out->tuple.address_type = (guint16)walk->pinfo->src.type;
    } else if (walk->network_is_v6) {
        memcpy(out->tuple.address[0], p + 8, 16);
        memcpy(out->tuple.address[1], p + 24, 16);
        out->tuple.address_type = AT_IPv6;
        out->sight.ttl = out->segment.ttl = p[7];
    } else {
        memcpy(out->tuple.address[0], p + 12, 4);
        memcpy(out->tuple.address[1], p + 16, 4);
        out->tuple.address_type = AT_IPv4;
        out->sight.ttl = out->segment.ttl = p[8];
        out->sight.ip_id = out->segment.ip_id = get16(p + 4);
    }
}

/* Highest right edge of a SACK option's blocks. */
static void read_sack(struct tcphs_segment *s, const guint8 *blocks, unsigned length)
{
    for (unsigned i = 0; i + 8 <= length; i += 8) {
        const guint32 right = get32(blocks + i + 4);
        if (!(s->options & TCPHS_OPT_SACK) || tcphs_seq_after(right, s->sack_right))
            s->sack_right = right;
        s->options |= TCPHS_OPT_SACK;
    }
}

static void read_option(struct tcphs_segment *s, const guint8 *option, unsigned length)
{
    enum {
        WSCALE = 3,
        SACK = 5,
        TIMESTAMP = 8,
        MULTIPATH = 30,
        FASTOPEN = 34,
        EXPERIMENT = 254,
        FASTOPEN_MAGIC = 0xF989
    };
    switch (option[0]) {
    case WSCALE:
        if (length == 3) {
            s->wscale = option[2];
            s->options |= TCPHS_OPT_WSCALE;
        }
        break;
    case SACK:
        read_sack(s, option + 2, length - 2);
        break;
    case TIMESTAMP:
        s->options |= TCPHS_OPT_TIMESTAMP;
        break;
    case MULTIPATH:
        s->options |= TCPHS_OPT_MULTIPATH;
        break;
    case FASTOPEN:
        s->options |= TCPHS_OPT_FASTOPEN;
        break;
    case EXPERIMENT: /* Fast Open before it had a number (RFC 7413 appendix) */
        if (length >= 4 && get16(option + 2) == FASTOPEN_MAGIC)
            s->options |= TCPHS_OPT_FASTOPEN;
        break;
    default:
        break;
    }
}

/* A malformed option ends the walk: what comes after it cannot be told from noise. */
static void read_options(struct tcphs_segment *s, const guint8 *options, unsigned length)
{
    enum { STAMP_ALONE = 12, STAMP_ALIGNED = 0x0101080A };
    if (length == STAMP_ALONE && get32(options) == STAMP_ALIGNED) { /* in nearly every segment (RFC 7323 appendix A) */
        s->options |= TCPHS_OPT_TIMESTAMP;
        return;
    }
    for (unsigned i = 0; i < length && options[i] != 0;) {
        if (options[i] == 1) {
            i++;
            continue;
        }
        if (i + 1 >= length || options[i + 1] < 2 || i + options[i + 1] > length)
            return;
        read_option(s, options + i, options[i + 1]);
        i += options[i + 1];
    }
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
    walk->record = (const struct tcpheader *)fetch_tapped_data(tap_tcp, (int)++walk->records_seen);
}

static bool is_record_of(const struct tcpheader *r, const guint8 *header)
{
    return header != NULL && r->th_sport == get16(header) && r->th_dport == get16(header + 2) &&
           r->th_rawseq == get32(header + 4) && r->th_rawack == get32(header + 8);
}

/* The same from where the packet ends. */
static bool payload_by_network(const struct tcphs_headers *walk, struct tcphs_place tcp, int header, guint32 *payload)
{
    const int end = tcp.tvb == walk->network.tvb ? walk->end : (int)tvb_reported_length(tcp.tvb);
    const int length = end - tcp.start - header;
    if (length < 0)
        return false;
    *payload = (guint32)length;
    return true;
}

/* Where the packet of an IP header ends: where it says, but no further than what it came in. */
static int end_of_network(const struct tcphs_headers *walk, struct tcphs_place network, bool is_v6)
{
    if (network.tvb == NULL)
        return 0;
    const int end = network.tvb == walk->network.tvb ? walk->end : (int)tvb_reported_length(network.tvb);
    const guint8 *p = bytes_of(network, 0, is_v6 ? IPV6_FIXED : IPV4_FIXED);
    const int length = p == NULL ? 0 : is_v6 ? IPV6_FIXED + get16(p + 4) : get16(p + 2);
    return length > 0 ? MIN(end, network.start + length) : end; /* 0: not yet filled in where it was captured */
}

/* The same from whatever the source has. A header whose options were cut off is no longer in the tap, and yet whole. */
static bool payload_of(struct tcphs_headers *walk, struct tcphs_place tcp, const guint8 *bytes, guint32 *payload)
{
    const int header = (bytes[12] >> 4) * 4;
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

gint64 tcphs_nanoseconds(const nstime_t *time)
{
    const gint64 most = G_GINT64_CONSTANT(4000000000); /* seconds: until 2096 */
    return CLAMP((gint64)time->secs, -most, most) * 1000000000 + time->nsecs;
}

/* The fixed header up to the window. */
static void read_start(const packet_info *pinfo, const guint8 *tcp, struct tcphs_segment *s)
{
    s->time = tcphs_nanoseconds(&pinfo->abs_ts);
    s->frame = pinfo->num;
    s->seq = get32(tcp + 4);
    s->ack = get32(tcp + 8);
    s->flags = get16(tcp + 12) & 0x1FF;
    s->window = get16(tcp + 14);
}

/* A header that was captured whole. */
static void read_fields(const packet_info *pinfo, const guint8 *tcp, int header, struct tcphs_segment *s)
{
    read_start(pinfo, tcp, s);
    s->urgent = get16(tcp + 18);
    read_options(s, tcp + TCP_FIXED, (unsigned)(header - TCP_FIXED));
}

/* The fixed header and the options; false when too little of it was captured. */
static bool read_header(struct tcphs_headers *walk, struct tcphs_place tcp, struct tcphs_sighting *out)
{
    struct tcphs_segment *s = &out->segment;
    const guint8 *p = bytes_of(tcp, 0, TCP_UP_TO_WINDOW);
    if (p == NULL)
        return false;
    const int header = (p[12] >> 4) * 4;
    if (header < TCP_FIXED || !payload_of(walk, tcp, p, &s->length))
        return false;
    const guint8 *rest = bytes_of(tcp, 0, header), *fixed = bytes_of(tcp, 0, TCP_FIXED);
    if (rest != NULL) {
        read_fields(walk->pinfo, rest, header, s);
    } else {
        read_start(walk->pinfo, p, s);
        s->options = TCPHS_OPTIONS_CUT;
        if (fixed != NULL)
            s->urgent = get16(fixed + 18);
        else if (s->flags & TCPHS_URG)
            s->urgent = 1; /* cut off: nothing can be said against it */
    }
    out->payload_captured = bytes_of(tcp, header, (int)s->length) != NULL;
    out->bad_checksum = has_bad_checksum(walk->checksum, tcp, TCP_FIXED);
    out->bad_network_checksum = has_bad_checksum(walk->network_checksum, walk->network, IPV4_FIXED);
    return true;
}

/* An ICMP error quotes the packet right behind its own eight bytes; which errors end an attempt is RFC 1122 4.2.3.9. */
static bool is_fatal_icmp(const struct tcphs_headers *walk)
{
    const struct tcphs_place icmp = place_at(walk->network.tvb, walk->network.start - ICMP_FIXED);
    const guint8 *p = bytes_of(icmp, 0, ICMP_FIXED);
    if (p == NULL)
        return false;
    enum { UNREACHABLE = 3, FRAGMENTATION_NEEDED = 4, TIME_EXCEEDED = 11, PARAMETER = 12 };
    enum { UNREACHABLE_V6 = 1, TIME_EXCEEDED_V6 = 3, PARAMETER_V6 = 4 };
    if (walk->network_is_v6)
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

static void put_ports(struct tcphs_sighting *out, guint16 from, guint16 to)
{
    out->tuple.port[0] = out->segment.source_port = from;
    out->tuple.port[1] = out->segment.destination_port = to;
    const int order = compare_ends(&out->tuple);
    out->from = out->segment.from = put_in_order(&out->tuple, order);
    out->segment.to_itself = order == 0;
}

static guint32 interface_of(const packet_info *pinfo)
{
    const wtap_rec *rec = pinfo->rec;
    const bool known =
        rec != NULL && rec->rec_type == REC_TYPE_PACKET && (rec->presence_flags & WTAP_HAS_INTERFACE_ID) != 0;
    return known ? rec->rec_header.packet_header.interface_id : 0;
}

/* Length of an extension header, 0 = what follows is no extension header. A fragment header counts where it divides
 * nothing (an atomic fragment, RFC 6946); the length of AH counts four-byte words beyond two (RFC 4302 section 2.2). */
static int extension_length(guint8 kind, const guint8 *header)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION = 60 };
    switch (kind) {
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION:
        return (header[1] + 1) * 8;
    case FRAGMENT:
        return (get16(header + 2) & 0xFFF9) == 0 ? 8 : 0;
    case AUTHENTICATION:
        return (header[1] + 2) * 4;
    default:
        return 0;
    }
}

/* Length of the IP header last passed, with the extension headers behind it; whether it is that of a fragment. */
static int network_length(const struct tcphs_headers *walk, bool *is_fragment)
{
    enum { V4_PROTOCOL = 9, V6_NEXT = 6, V4_FRAGMENT = 6, V4_DIVIDED = 0x3FFF, LEAST_EXTENSION = 8 };
    const guint8 *ip = bytes_of(walk->network, 0, IPV4_FIXED);
    *is_fragment = false;
    if (ip == NULL)
        return walk->network_is_v6 ? IPV6_FIXED : IPV4_FIXED;
    int length = walk->network_is_v6 ? IPV6_FIXED : (ip[0] & 15) * 4;
    guint8 kind = ip[walk->network_is_v6 ? V6_NEXT : V4_PROTOCOL];
    for (;;) {
        const guint8 *header = bytes_of(walk->network, length, LEAST_EXTENSION);
        const int more =
            header != NULL && (walk->network_is_v6 || kind == AUTHENTICATION) ? extension_length(kind, header) : 0;
        if (more == 0)
            break;
        kind = header[0];
        length += more;
    }
    *is_fragment = walk->network_is_v6 ? kind == FRAGMENT : (get16(ip + V4_FRAGMENT) & V4_DIVIDED) != 0;
    return length;
}

/* The bytes that the host shows beside the frame's own, as those put together from fragments. */
static struct tcphs_place place_of_buffer(const struct tcphs_headers *walk, const GSList *node)
{
    tvbuff_t *tvb = get_data_source_tvb((const struct data_source *)node->data);
    return tvb == walk->frame ? walk->all : place_at(tvb, 0);
}

/* Where a header that the tap tells of lies with all it carries: at the place behind its IP header or, where IP came in
 * fragments, at the start of a buffer that the host made. */
static struct tcphs_place place_of_record(const struct tcphs_headers *walk, struct tcphs_place place)
{
    const struct tcpheader *record = walk->record;
    const guint8 *header = bytes_of(place, 0, TCP_FIXED);
    if (is_record_of(record, header) && bytes_of(place, (header[12] >> 4) * 4, (int)record->th_seglen) != NULL)
        return place;
    for (const GSList *l = walk->pinfo->data_src; l != NULL; l = l->next) {
        const struct tcphs_place buffer = place_of_buffer(walk, l);
        if (buffer.tvb != walk->frame && is_record_of(record, bytes_of(buffer, 0, TCP_UP_TO_ACK)))
            return buffer;
    }
    return place;
}

/* The same of a header that the tap does not tell of, for its options are cut or make no sense: what the fragments of
 * an IP packet were put together to is the next buffer. */
static struct tcphs_place place_behind_fragments(const struct tcphs_headers *walk, struct tcphs_place place)
{
    bool is_fragment;
    network_length(walk, &is_fragment);
    if (!is_fragment || walk->pinfo->fragmented)
        return place;
    for (const GSList *l = walk->pinfo->data_src; l != NULL && l->next != NULL; l = l->next)
        if (get_data_source_tvb((const struct data_source *)l->data) == walk->network.tvb)
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
    const guint8 *ports = bytes_of(tcp, 0, 4);
    read_network(walk, out);
    out->stream = TCPHS_NO_STREAM;
    if (record != NULL && !is_record_of(record, bytes_of(tcp, 0, TCP_UP_TO_ACK))) {
        put_ports(out, record->th_sport, record->th_dport);
        read_record(walk, record, out);
    } else if (ports != NULL) {
        put_ports(out, get16(ports), get16(ports + 2));
        out->icmp = walk->in_icmp;
        out->icmp_error = walk->in_icmp && is_fatal_icmp(walk);
        out->whole = !walk->in_icmp && read_header(walk, tcp, out);
    } else {
        return false;
    }
    out->sight.interface = interface_of(walk->pinfo);
    out->sight.path = walk->path;
    return true;
}

/* The innermost place in the frame where an IP header with these addresses is followed by these ports. */
static bool find_header(struct tcphs_headers *walk, struct tcphs_place *tcp)
{
    const packet_info *pinfo = walk->pinfo;
    const bool v6 = pinfo->src.type == AT_IPv6;
    const int fixed = v6 ? IPV6_FIXED : IPV4_FIXED, at = v6 ? 8 : 12, length = v6 ? 16 : 4;
    const struct tcphs_place all = place_at(walk->frame, 0);
    const int captured = all.captured;
    if ((!v6 && pinfo->src.type != AT_IPv4) || captured < fixed + 4)
        return false;
    const guint8 *bytes = all.bytes;
    for (int start = captured - fixed - 4; start >= 0; start--) {
        const guint8 *p = bytes + start;
        const int header = v6 ? fixed : (p[0] & 15) * 4; /* behind IPv6 extension headers nothing is found: rare */
        if (p[0] >> 4 != (v6 ? 6 : 4) || header < fixed || start + header + 4 > captured ||
            memcmp(p + at, pinfo->src.data, (size_t)length) != 0 ||
            memcmp(p + at + length, pinfo->dst.data, (size_t)length) != 0 || get16(p + header) != pinfo->srcport ||
            get16(p + header + 2) != pinfo->destport)
            continue;
        const struct tcphs_place network = place_at(walk->frame, start);
        walk->end = end_of_network(walk, network, v6);
        walk->network = network;
        walk->network_is_v6 = v6;
        *tcp = place_at(walk->frame, start + header);
        return true;
    }
    return false;
}

/* Paths that go through a tunnel; the others are VLAN numbers. */
#define TUNNEL_PATH 0x80000000u

enum { UDP = 8, UDP_LENGTH = 4 };

static bool is_in_udp(int tunnel)
{
    return tunnel == id_vxlan || tunnel == id_gtp || tunnel == id_geneve;
}

/* The number that tells tunnels between the same two ends apart: GRE key, VXLAN and Geneve network, GTP endpoint. */
static guint32 tunnel_number(const struct tcphs_headers *walk)
{
    enum { GRE_KEY = 0x20, GRE_CHECKSUM = 0x80 };
    bool is_fragment;
    const int behind = network_length(walk, &is_fragment);
    if (walk->tunnel == id_gre) {
        const guint8 *gre = bytes_of(walk->network, behind, 12);
        return gre != NULL && (gre[0] & GRE_KEY) ? get32(gre + ((gre[0] & GRE_CHECKSUM) ? 8 : 4)) : 0;
    }
    if (is_in_udp(walk->tunnel)) {
        const guint8 *header = bytes_of(walk->network, behind + UDP, 8);
        return header != NULL ? get32(header + 4) : 0;
    }
    return 0;
}

/* A tunnel over UDP ends with its datagram, which may be shorter than its packet. */
static int end_of_datagram(const struct tcphs_headers *walk)
{
    bool is_fragment;
    const int behind = network_length(walk, &is_fragment);
    const guint8 *udp = bytes_of(walk->network, behind, UDP);
    const int length = udp != NULL ? get16(udp + UDP_LENGTH) : 0;
    return length >= UDP ? MIN(walk->end, walk->network.start + behind + length) : walk->end;
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
    put_in_order(&outer.tuple, compare_ends(&outer.tuple));
    guint64 words[sizeof outer.tuple / 8], number = 0;
    memcpy(words, &outer.tuple, sizeof words);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        number = number_with(number, words[i]);
    number = number_with(number, (guint64)walk->path << 32 | tunnel_number(walk));
    walk->path = (guint32)(number >> 32) | TUNNEL_PATH;
}

static void pass_network(struct tcphs_headers *walk, struct tcphs_place place, bool is_v6)
{
    if (walk->network.tvb != NULL && !walk->in_icmp)
        pass_tunnel(walk);
    if (walk->source == TCPHS_FROM_TAPS) {
        walk->end = is_in_udp(walk->tunnel) ? end_of_datagram(walk) : walk->end;
        walk->end = end_of_network(walk, place, is_v6);
    }
    walk->tunnel = 0;
    walk->network = place;
    walk->network_is_v6 = is_v6;
}

/* Where the bytes are that an address points to: the host's copy of an IPv4 address lies where the header does. */
static struct tcphs_place place_pointed_to(const struct tcphs_headers *walk, const guint8 *pointer, int before)
{
    for (const GSList *l = walk->pinfo->data_src; l != NULL; l = l->next) {
        const struct tcphs_place buffer = place_of_buffer(walk, l);
        if (buffer.captured > before && pointer >= buffer.bytes + before && pointer < buffer.bytes + buffer.captured)
            return part_of(buffer, (int)(pointer - buffer.bytes) - before);
    }
    return place_at(NULL, 0);
}

/* The next IP header behind the last one with this source address; that of IPv6 is a copy. */
static struct tcphs_place place_of_source(const struct tcphs_headers *walk, const address *sender, int version)
{
    const int before = version == 6 ? 8 : 12;
    if (sender->data == NULL || sender->len <= 0)
        return place_at(NULL, 0);
    const struct tcphs_place place = place_pointed_to(walk, (const guint8 *)sender->data, before);
    if (place.tvb != NULL)
        return place;
    for (const GSList *l = walk->pinfo->data_src; l != NULL; l = l->next) {
        const struct tcphs_place buffer = place_of_buffer(walk, l);
        int start = walk->network.tvb == buffer.tvb ? walk->network.start + 1 : 0;
        for (const guint8 *p; (p = bytes_of(buffer, start, before + sender->len)) != NULL; start++)
            if (p[0] >> 4 == version && memcmp(p + before, sender->data, (size_t)sender->len) == 0)
                return part_of(buffer, start);
    }
    return place_at(NULL, 0);
}

/* The next IP header, by its item or by its tap. */
static struct tcphs_place next_network(struct tcphs_headers *walk, bool is_v6)
{
    const unsigned index = is_v6 ? walk->ipv6_seen++ : walk->ip_seen++;
    if (walk->source == TCPHS_FROM_FIELDS)
        return place_of(item(is_v6 ? walk->ipv6 : walk->ip, index));
    if (is_v6) {
        const ws_ip6 *ip = (const ws_ip6 *)fetch_tapped_data(tap_ipv6, (int)index);
        return ip != NULL ? place_of_source(walk, &ip->ip6_src, 6) : place_of(NULL);
    }
    const ws_ip4 *ip = (const ws_ip4 *)fetch_tapped_data(tap_ip, (int)index);
    return ip != NULL ? place_of_source(walk, &ip->ip_src, 4) : place_of(NULL);
}

/* The next TCP header: by its item, or behind the IP header last passed. */
static struct tcphs_place next_tcp(struct tcphs_headers *walk)
{
    if (walk->source == TCPHS_FROM_FIELDS)
        return place_of(item(walk->tcp, walk->tcp_seen++));
    bool is_fragment;
    return walk->network.tvb == NULL ? walk->network : part_of(walk->network, network_length(walk, &is_fragment));
}

static bool begin_with_taps(struct tcphs_headers *walk)
{
    walk->all = place_at(walk->frame, 0);
    walk->record = (const struct tcpheader *)fetch_tapped_data(tap_tcp, 0);
    if (walk->record != NULL || fetch_tapped_data(tap_ip, 0) != NULL || fetch_tapped_data(tap_ipv6, 0) != NULL)
        return true;
    /* IP hands its header out before it calls TCP, so TCP behind IP without it means that there are no taps. */
    if (!has_layer(walk->pinfo, id_tcp) || !(has_layer(walk->pinfo, id_ip) || has_layer(walk->pinfo, id_ipv6)))
        return true;
    return in_window && begin_without_help(walk);
}

bool tcphs_headers_begin(struct tcphs_headers *walk, packet_info *pinfo, tvbuff_t *frame, proto_tree *tree)
{
    /* A window that dissects anew because TCP is now to verify checksums has decided before we ask that no tree is
     * needed: taps tell all else. */
    const bool by_taps = source == TCPHS_FROM_TAPS || (in_window && tree == NULL);
    *walk = (struct tcphs_headers){ .pinfo = pinfo, .frame = frame, .path = pinfo->vlan_id };
    walk->source = by_taps ? TCPHS_FROM_TAPS : TCPHS_FROM_FIELDS;
    if (pinfo->layers == NULL)
        return true;
    walk->layer = wmem_list_head(pinfo->layers);
    if (by_taps)
        return begin_with_taps(walk);
    walk->tcp = tree != NULL ? proto_get_finfo_ptr_array(tree, id_tcp) : NULL;
    if (walk->tcp == NULL) {
        walk->layer = NULL;
        if (tree != NULL)
            begin_without_help(walk);
        return true;
    }
    walk->ip = proto_get_finfo_ptr_array(tree, id_ip);
    walk->ipv6 = proto_get_finfo_ptr_array(tree, id_ipv6);
    walk->length = proto_get_finfo_ptr_array(tree, id_length);
    walk->checksum = proto_get_finfo_ptr_array(tree, id_checksum);
    walk->network_checksum = proto_get_finfo_ptr_array(tree, id_network_checksum);
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
        if (layer == id_ip) {
            pass_network(walk, next_network(walk, false), false);
        } else if (layer == id_ipv6) {
            pass_network(walk, next_network(walk, true), true);
        } else if (layer == id_gre || layer == id_vxlan || layer == id_gtp || layer == id_geneve) {
            walk->tunnel = layer;
        } else if (layer == id_icmp || layer == id_icmpv6) {
            walk->in_icmp = true;
        } else if (layer == id_tcp) {
            if (read_sighting(walk, next_tcp(walk), out))
                return true;
        }
    }
    return false;
}

/* The short way ------------------------------------------------------------------------------------------------- */

/* Ethernet, then IP, by whose addresses packet_info knows the frame: no other IP header is in front of it, and none
 * behind it, or packet_info would know the frame by that. */
static bool is_right_behind_ethernet(const packet_info *pinfo, const guint8 *bytes, const guint8 *ip, int version)
{
    enum { ETHERNET = 14, TYPE = 12, IPV4 = 0x0800, IPV6 = 0x86DD };
    const wtap_rec *rec = pinfo->rec;
    return ip == bytes + ETHERNET && rec != NULL && rec->rec_type == REC_TYPE_PACKET &&
           rec->rec_header.packet_header.pkt_encap == WTAP_ENCAP_ETHERNET &&
           get16(bytes + TYPE) == (version == 4 ? IPV4 : IPV6);
}

/* Where the IP header lies whose source address the host's record points to; NULL when there are several IP headers, or
 * packet_info does not know the frame by this one. */
static const guint8 *only_recorded_network(const packet_info *pinfo, const guint8 *bytes, int captured)
{
    const ws_ip4 *ip = (const ws_ip4 *)fetch_tapped_data(tap_ip, 0);
    const ws_ip6 *ipv6 = (const ws_ip6 *)fetch_tapped_data(tap_ipv6, 0);
    if ((ip != NULL) == (ipv6 != NULL))
        return NULL;
    const guint8 *sender = (const guint8 *)(ip != NULL ? ip->ip_src.data : ipv6->ip6_src.data);
    const int version = ip != NULL ? 4 : 6, before = ip != NULL ? 12 : 8, length = ip != NULL ? 4 : 16;
    if (pinfo->src.data == NULL || sender == NULL || pinfo->src.type != (ip != NULL ? AT_IPv4 : AT_IPv6))
        return NULL;
    if (sender >= bytes + before && sender < bytes + captured) /* into the frame: a further header would be another's */
        return pinfo->src.data == sender ? sender - before : NULL;
    if (fetch_tapped_data(ip != NULL ? tap_ip : tap_ipv6, 1) != NULL)
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

/* Addresses, TTL and IP id; the length of the header, 0 when extension headers may follow. */
static int read_only_network(const guint8 *ip, struct tcphs_sighting *out)
{
    enum { NEXT_HEADER = 6, TCP = 6 };
    if (ip[0] >> 4 == 6) {
        memcpy(out->tuple.address, ip + 8, 32);
        out->tuple.address_type = AT_IPv6;
        out->sight.ttl = out->segment.ttl = ip[7];
        return ip[NEXT_HEADER] == TCP ? IPV6_FIXED : 0;
    }
    memcpy(out->tuple.address[0], ip + 12, 4);
    memcpy(out->tuple.address[1], ip + 16, 4);
    out->tuple.address_type = AT_IPv4;
    out->sight.ttl = out->segment.ttl = ip[8];
    out->sight.ip_id = out->segment.ip_id = get16(ip + 4);
    return (ip[0] & 15) * 4;
}

bool tcphs_sighting_of_plain_frame(const packet_info *pinfo, tvbuff_t *frame, struct tcphs_sighting *out)
{
    const struct tcpheader *record = source == TCPHS_FROM_TAPS && pinfo->ptype == PT_TCP
                                         ? (const struct tcpheader *)fetch_tapped_data(tap_tcp, 0)
                                         : NULL;
    if (record == NULL || !record->th_have_seglen || fetch_tapped_data(tap_tcp, 1) != NULL)
        return false;
    const int captured = (int)tvb_captured_length(frame);
    const guint8 *bytes = tvb_get_ptr(frame, 0, captured), *ip = only_network(pinfo, bytes, captured);
    if (ip == NULL || ip + IPV4_FIXED > bytes + captured || (ip[0] >> 4 == 6 && ip + IPV6_FIXED > bytes + captured))
        return false;
    clear(out);
    out->whole = true;
    out->stream = record->th_stream;
    const int network = read_only_network(ip, out);
    const guint8 *tcp = ip + network;
    if (network == 0 || tcp + TCP_FIXED > bytes + captured || !is_record_of(record, tcp))
        return false;
    const int header = (tcp[12] >> 4) * 4;
    if (header < TCP_FIXED || tcp + header > bytes + captured)
        return false;
    read_fields(pinfo, tcp, header, &out->segment);
    out->segment.length = record->th_seglen;
    out->payload_captured = record->th_seglen <= (guint32)(bytes + captured - tcp - header);
    put_ports(out, record->th_sport, record->th_dport);
    out->sight.interface = interface_of(pinfo);
    out->sight.path = pinfo->vlan_id;
    return true;
}
