/* path.c
 * Which payload lies in a tunnel, and what tells one tunnel from another: outer addresses, VLAN, and the number in the
 * tunnel's header.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "path.h"

#include "tuple.h"

enum { UDP = 17, GRE = 47, UDP_HEADER = 8 };

/* Paths that go through a tunnel; the others are VLAN ids, of 12 bits. */
#define TUNNEL_PATH 0x80000000u

static struct {
    int vxlan, geneve, gtp;
} proto;

void tcphs_path_register(void)
{
    proto.vxlan = proto_get_id_by_filter_name("vxlan");
    proto.geneve = proto_get_id_by_filter_name("geneve");
    proto.gtp = proto_get_id_by_filter_name("gtp");
}

/* Whether the host found VXLAN, Geneve or GTP between the UDP payload and the IP header inside. All three have their
 * number at the same place. */
static bool is_tunnel_over_udp(const struct tcphs_ip_payload *inner, const struct tcphs_ip_payload *outer,
                               wmem_list_t *layers)
{
    wmem_list_frame_t *l = wmem_list_tail(layers);
    for (unsigned i = inner->layers; i > outer->layers && l != NULL; i--, l = wmem_list_frame_prev(l)) {
        const int layer = GPOINTER_TO_INT(wmem_list_frame_data(l));
        if (layer == proto.vxlan || layer == proto.geneve || layer == proto.gtp)
            return true;
    }
    return false;
}

/* Four bytes of a payload; 0 where they were not captured. */
static guint32 number_at(tvbuff_t *tvb, int offset)
{
    return tvb_bytes_exist(tvb, offset, 4) ? tvb_get_ntohl(tvb, offset) : 0;
}

/* GRE key (RFC 2890), VXLAN and Geneve network identifier (RFC 7348, RFC 8926), GTP tunnel endpoint identifier. */
static guint32 tunnel_number(const struct tcphs_ip_payload *inner, const struct tcphs_ip_payload *outer,
                             wmem_list_t *layers)
{
    enum { KEY_PRESENT = 0x20, CHECKSUM_PRESENT = 0x80 };
    if (outer->protocol == GRE && tvb_bytes_exist(outer->tvb, 0, 1)) {
        const guint8 flags = tvb_get_ptr(outer->tvb, 0, 1)[0];
        return (flags & KEY_PRESENT) ? number_at(outer->tvb, (flags & CHECKSUM_PRESENT) ? 8 : 4) : 0;
    }
    if (outer->protocol == UDP && is_tunnel_over_udp(inner, outer, layers))
        return number_at(outer->tvb, UDP_HEADER + 4);
    return 0;
}

/* Adds a word to a number. Without a seed, so that every process gives the same paths. */
static guint64 mix(guint64 number, guint64 word)
{
    number = (number ^ word) * G_GUINT64_CONSTANT(0x9E3779B97F4A7C15);
    return number ^ number >> 32;
}

guint32 tcphs_path_inside(const struct tcphs_ip_payload *inner, const struct tcphs_ip_payload *outer,
                          wmem_list_t *layers)
{
    if (inner->icmp >= 0 || (inner->ip != NULL && inner->ip == outer->ip))
        return outer->path; /* a quote belongs where its error came from; the same IP header, behind AH or ESP */
    struct tcphs_tuple ends;
    guint64 words[sizeof ends / 8], number = 0;
    memset(&ends, 0, sizeof ends);
    tcphs_tuple_put_addresses(&ends, tcphs_ip_payload_sender(outer), tcphs_ip_payload_receiver(outer));
    tcphs_tuple_put_in_order(&ends, tcphs_tuple_order(&ends));
    memcpy(words, &ends, sizeof words);
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        number = mix(number, words[i]);
    number = mix(number, (guint64)outer->path << 32 | tunnel_number(inner, outer, layers));
    if (inner->vlan != outer->vlan)
        number = mix(number, inner->vlan);
    return (guint32)(number >> 32) | TUNNEL_PATH;
}
