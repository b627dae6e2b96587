/* ip_payload.c
 * A wrapper stands in the dissector table "ip.proto" in front of nine protocols, notes what it is given and calls what
 * stood there before. TCP alone would not do: ICMP types, the IP header in front of AH and ESP, and tunnels are known
 * only around it. The nesting of the calls is the nesting of the packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "ip_payload.h"

#include <epan/exceptions.h>
#include <epan/proto_data.h>

#include "path.h"

/* Row: name in the code, IP protocol number, filter name of its protocol. */
#define TCPHS_IP_PAYLOADS(ROW)                                                                                         \
    ROW(icmp, 1, "icmp")                                                                                               \
    ROW(ipip, 4, "ip")                                                                                                 \
    ROW(tcp, TCPHS_IP_PROTO_TCP, "tcp")                                                                                \
    ROW(udp, 17, "udp")                                                                                                \
    ROW(ipv6, 41, "ipv6")                                                                                              \
    ROW(gre, 47, "gre")                                                                                                \
    ROW(esp, 50, "esp")                                                                                                \
    ROW(ah, 51, "ah")                                                                                                  \
    ROW(icmpv6, 58, "icmpv6")

enum { ICMP = 1, ESP = 50, AH = 51, ICMPV6 = 58 };

enum row {
#define ROW(name, number, protocol) ROW_##name,
    TCPHS_IP_PAYLOADS(ROW)
#undef ROW
        ROWS
};

static int proto_tcphs = -1, proto_tcp = -1;
static const protocol_t *tcphs;                           /* of the program's life, like all handles */
static const tcphs_pref_bool *call_tcp; /* a preference */
static dissector_handle_t next[ROWS]; /* what stood in the table before */
static int in_name_only[ROWS];        /* protocols without a layer of their own, under those of the rows */

/* Notes --------------------------------------------------------------------------------------------------------- */

static struct tcphs_ip_payloads *noted_of(packet_info *pinfo)
{
    return (struct tcphs_ip_payloads *)p_get_proto_data(pinfo->pool, pinfo, proto_tcphs, 0);
}

const struct tcphs_ip_payloads *tcphs_ip_payloads_of(packet_info *pinfo)
{
    return noted_of(pinfo);
}

static struct tcphs_ip_payloads *begin_notes(packet_info *pinfo)
{
    enum { USUAL = 1 };
    struct tcphs_ip_payloads *noted = wmem_new(pinfo->pool, struct tcphs_ip_payloads);
    *noted = (struct tcphs_ip_payloads){ .room = USUAL, .current = -1 };
    noted->list = wmem_alloc_array(pinfo->pool, struct tcphs_ip_payload, USUAL);
    p_add_proto_data(pinfo->pool, pinfo, proto_tcphs, 0, noted);
    return noted;
}

/* The IP header of this payload. Behind AH and ESP the host does not pass it on. */
static void put_network(struct tcphs_ip_payload *p, const struct tcphs_ip_payload *outer, const packet_info *pinfo,
                        void *data)
{
    const bool behind_ipsec = outer != NULL && (outer->protocol == AH || outer->protocol == ESP);
    p->ip = WS_IP4_PTR(data) != NULL || WS_IP6_PTR(data) != NULL ? data : NULL;
    if (p->ip != NULL)
        return;
    if (behind_ipsec) {
        p->ip = outer->ip;
        memcpy(p->ends, outer->ends, sizeof p->ends);
    } else {
        copy_address_shallow(&p->ends[0], &pinfo->src);
        copy_address_shallow(&p->ends[1], &pinfo->dst);
    }
}

static int add_note(struct tcphs_ip_payloads *noted, guint8 protocol, tvbuff_t *tvb, packet_info *pinfo, void *data)
{
    if (noted->count == noted->room) {
        noted->room *= 4;
        noted->list = (struct tcphs_ip_payload *)wmem_realloc(pinfo->pool, noted->list,
                                                              (gsize)noted->room * sizeof *noted->list);
    }
    struct tcphs_ip_payload *p = &noted->list[noted->count];
    const struct tcphs_ip_payload *outer = noted->current >= 0 ? &noted->list[noted->current] : NULL;
    p->tvb = tvb;
    p->outer = noted->current;
    p->icmp = outer == NULL ? -1 : outer->protocol == ICMP || outer->protocol == ICMPV6 ? p->outer : outer->icmp;
    p->layers = wmem_list_count(pinfo->layers);
    p->vlan = pinfo->vlan_id;
    p->protocol = protocol;
    p->is_fragment = pinfo->fragmented;
    p->is_error_copy = pinfo->flags.in_error_pkt;
    put_network(p, outer, pinfo, data);
    p->path = outer == NULL ? p->vlan : tcphs_path_inside(p, outer, pinfo->layers);
    return noted->count++;
}

/* The hook ------------------------------------------------------------------------------------------------------ */

static int call_next(enum row row, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (row == ROW_tcp && !*call_tcp)
        return (int)MAX(tvb_captured_length(tvb), 1u);
    return call_dissector_only(next[row], tvb, pinfo, tree, data);
}

/* The host passes on what is refused to somebody else, so a refused payload is taken back. */
static int note_and_call(enum row row, guint8 protocol, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (!proto_is_protocol_enabled(tcphs))
        return call_dissector_only(next[row], tvb, pinfo, tree, data);
    struct tcphs_ip_payloads *noted = noted_of(pinfo);
    if (noted == NULL)
        noted = begin_notes(pinfo);
    const int outer = noted->current, index = add_note(noted, protocol, tvb, pinfo, data);
    volatile int taken = 0;
    noted->current = index;
    TRY
    {
        taken = call_next(row, tvb, pinfo, tree, data);
    }
    FINALLY
    {
        noted->current = outer;
    }
    ENDTRY;
    if (taken == 0)
        noted->count = index;
    return taken;
}

#define ROW(name, number, protocol)                                                                                    \
    static int dissect_##name(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)                         \
    {                                                                                                                  \
        return note_and_call(ROW_##name, number, tvb, pinfo, tree, data);                                              \
    }
TCPHS_IP_PAYLOADS(ROW)
#undef ROW

/* Registration -------------------------------------------------------------------------------------------------- */

void tcphs_ip_payloads_register(int proto, const tcphs_pref_bool *dissect)
{
    proto_tcphs = proto;
    tcphs = find_protocol_by_id(proto);
    proto_tcp = proto_get_id_by_filter_name("tcp");
    call_tcp = dissect;
    tcphs_path_register();
    /* A layer of its own would show; under its protocol the wrapper goes on and off with it. */
#define ROW(name, number, protocol)                                                                                    \
    in_name_only[ROW_##name] = proto_register_protocol_in_name_only(                                                   \
        "TCPHS in front of " protocol, "TCPHS:" protocol, "tcphs.in_front_of." #name,                                  \
        proto_get_id_by_filter_name(protocol), FT_PROTOCOL);
    TCPHS_IP_PAYLOADS(ROW)
#undef ROW
}

/* The handle keeps the name of the dissector it stands for: exported PDUs are labelled by it. Its description must be
 * another, for the table is shown in Decode As. */
static void hook(enum row row, guint32 number, dissector_t dissector)
{
    next[row] = dissector_get_uint_handle(find_dissector_table("ip.proto"), number);
    if (next[row] == NULL)
        return;
    const char *name = dissector_handle_get_dissector_name(next[row]);
    const char *description = proto_get_protocol_name(in_name_only[row]);
    dissector_add_uint("ip.proto", number,
                       create_dissector_handle_with_name_and_description(dissector, in_name_only[row], name,
                                                                         description));
}

void tcphs_ip_payloads_hook(void)
{
#define ROW(name, number, protocol) hook(ROW_##name, number, dissect_##name);
    TCPHS_IP_PAYLOADS(ROW)
#undef ROW
}

/* Blind spots --------------------------------------------------------------------------------------------------- */

unsigned tcphs_ip_payloads_missed(const packet_info *pinfo, const struct tcphs_ip_payloads *noted)
{
    unsigned called = 0, through_hook = 0;
    for (wmem_list_frame_t *l = wmem_list_head(pinfo->layers); l != NULL; l = wmem_list_frame_next(l))
        called += GPOINTER_TO_INT(wmem_list_frame_data(l)) == proto_tcp;
    for (int i = 0; called > 0 && noted != NULL && *call_tcp && i < noted->count; i++)
        through_hook += noted->list[i].protocol == TCPHS_IP_PROTO_TCP;
    return called > through_hook ? called - through_hook : 0;
}
