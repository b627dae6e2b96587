/* path.c
 * Which payload lies in a tunnel, and what tells one tunnel from another: outer addresses, VLAN, and the number in the
 * tunnel's header.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/path.h"

#include "capture/tuple.h"

enum { UDP = 17, GRE = 47, UDP_HEADER = 8 };

/* Paths that go through a tunnel; the others are VLAN ids, of 12 bits. */
#define TUNNEL_PATH 0x80000000u

/* The protocols of tunnels, -1 = the host has none. Lifetime: forever. */
static struct {
    int vxlan, geneve, gtp, gtp_prime;
} proto;

void tcphs_path_register(void)
{
    proto.vxlan = proto_get_id_by_filter_name("vxlan");
    proto.geneve = proto_get_id_by_filter_name("geneve");
    proto.gtp = proto_get_id_by_filter_name("gtp");
    proto.gtp_prime = proto_get_id_by_filter_name("gtpprime"); /* whose port is that of version 0, too */
}

/* The tunnel that the host found between the UDP payload and the IP header inside: VXLAN, Geneve or GTP; -1 = none. */
static int tunnel_over_udp(const struct tcphs_ip_payload *inner, const struct tcphs_ip_payload *outer,
                           wmem_list_t *layers)
{
    wmem_list_frame_t *l = wmem_list_tail(layers);
    for (unsigned i = inner->layers; i > outer->layers && l != NULL; i--, l = wmem_list_frame_prev(l)) {
        const int layer = GPOINTER_TO_INT(wmem_list_frame_data(l));
        if (layer == proto.vxlan || layer == proto.geneve || layer == proto.gtp || layer == proto.gtp_prime)
            return layer;
    }
    return -1;
}

/* Four bytes of a payload; 0 where they were not captured. */
static guint32 number_at(tvbuff_t *tvb, int offset)
{
    return tvb_bytes_exist(tvb, offset, 4) ? tvb_get_ntohl(tvb, offset) : 0;
}

enum { LOWER_HALF = 0xFFFF };

/* The key (RFC 1701, RFC 2890). The upper half of it is the length of the packet in version 1 (PPTP, RFC 2637). */
static guint32 gre_key(tvbuff_t *gre)
{
    enum { CHECKSUM = 0x8000, ROUTING = 0x4000, KEY = 0x2000, VERSION = 7 };
    const guint16 flags = tvb_bytes_exist(gre, 0, 2) ? tvb_get_ntohs(gre, 0) : 0;
    if (!(flags & KEY))
        return 0;
    const guint32 key = number_at(gre, (flags & (CHECKSUM | ROUTING)) ? 8 : 4);
    return (flags & VERSION) == 1 ? key & LOWER_HALF : key;
}

/* Network identifier of VXLAN and Geneve (RFC 7348, RFC 8926), tunnel endpoint identifier of GTP: all at the same
 * place. In version 0 of GTP the flow label and, in the upper half, a sequence number stand there (GSM 09.60). */
static guint32 number_over_udp(tvbuff_t *udp, int tunnel)
{
    const guint32 number = number_at(udp, UDP_HEADER + 4);
    const bool gtp = tunnel == proto.gtp || tunnel == proto.gtp_prime,
               version_0 = number_at(udp, UDP_HEADER) >> 29 == 0;
    return gtp && version_0 ? number & LOWER_HALF : number;
}

/* 0 = the tunnel has no number. */
static guint32 tunnel_number(const struct tcphs_ip_payload *inner, const struct tcphs_ip_payload *outer,
                             wmem_list_t *layers)
{
    if (outer->protocol == GRE)
        return gre_key(outer->tvb);
    const int tunnel = outer->protocol == UDP ? tunnel_over_udp(inner, outer, layers) : -1;
    return tunnel >= 0 ? number_over_udp(outer->tvb, tunnel) : 0;
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
