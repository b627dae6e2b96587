/* ip_payload.c
 * A wrapper stands in the dissector table "ip.proto" in front of nine protocols, notes what it is given and calls what
 * stood there before. TCP alone would not do: ICMP types, the IP header in front of AH and ESP, and tunnels are known
 * only around it. The nesting of the calls is the nesting of the packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/ip_payload.h"

#include <epan/exceptions.h>

#include "capture/path.h"
#include "capture/without_tcp.h"

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

/* Lifetime: forever, like all that is registered with the host. */
static int proto_tcp = -1;
static const protocol_t *tcphs;
static const tcphs_pref_bool *call_tcp; /* a preference */
static dissector_handle_t next[ROWS];   /* what stood in the table before */
static int in_name_only[ROWS];          /* protocols without a layer of their own, under those of the rows */

/* Notes --------------------------------------------------------------------------------------------------------- */

/* The host dissects one frame at a time, so one place is enough, and it is used again for the next frame: what the host
 * offers for data of a frame would cost as much as all the rest of the hook. Lifetime: frame; the room: forever. */
static struct {
    struct tcphs_ip_payloads noted;
    int room;    /* of its list */
    int current; /* index of the payload whose dissector is running; -1 = none */
    const packet_info *pinfo;
    const frame_data *fd; /* NULL: what is noted is of no frame any more */
    bool is_new;          /* dissected for the first time */
    unsigned unclaimed;   /* TCP headers of new frames that no post-dissector was called for */
} frame = { .current = -1 };

/* The frame's memory, which the notes point into. The host uses one pool for many frames, one after the other.
 * Lifetime: frame; the number: forever. */
static struct {
    const wmem_allocator_t *pool; /* NULL = none */
    unsigned number;              /* of the watch that was set up last; those before it end when they are called */
} watched;

static bool is_of(const packet_info *pinfo)
{
    return frame.fd != NULL && frame.fd == pinfo->fd && frame.pinfo == pinfo;
}

const struct tcphs_ip_payloads *tcphs_ip_payloads_of(const packet_info *pinfo)
{
    static const struct tcphs_ip_payloads none = { NULL, 0 };
    return is_of(pinfo) ? &frame.noted : &none;
}

void tcphs_ip_payloads_forget(void)
{
    frame.fd = NULL;
}

unsigned tcphs_ip_payloads_take_unclaimed(void)
{
    const unsigned unclaimed = frame.unclaimed;
    frame.unclaimed = 0;
    return unclaimed;
}

/* The host takes the memory of a frame back. It may not have called the post-dissector: at its limit of layers in a
 * frame (the preference gui.max_tree_depth) it calls none. Nor is it called while tcphs is disabled. */
static tcphs_pref_bool end_of_memory(wmem_allocator_t *pool, wmem_cb_event_t event, void *number)
{
    (void)pool;
    if (GPOINTER_TO_UINT(number) != watched.number)
        return false;
    const bool unclaimed = frame.fd != NULL && frame.is_new && proto_is_protocol_enabled(tcphs);
    for (int i = 0; unclaimed && i < frame.noted.count; i++)
        frame.unclaimed += frame.noted.list[i].protocol == TCPHS_IP_PROTO_TCP;
    tcphs_ip_payloads_forget();
    if (event == WMEM_CB_DESTROY_EVENT)
        watched.pool = NULL;
    return true;
}

static void watch(wmem_allocator_t *pool)
{
    if (pool == watched.pool)
        return;
    watched.pool = pool;
    wmem_register_callback(pool, end_of_memory, GUINT_TO_POINTER(++watched.number));
}

/* Begins anew for another frame, and where the first payload was one of a dissector that then refused the frame: its
 * layers are gone, while a later payload of the same frame has more below it than the first. */
static void begin_frame_if_new(const packet_info *pinfo)
{
    const struct tcphs_ip_payloads *noted = &frame.noted;
    if (is_of(pinfo) && noted->count > 0 && wmem_list_count(pinfo->layers) > noted->list[0].layers)
        return;
    watch(pinfo->pool);
    frame.noted.count = 0;
    frame.pinfo = pinfo;
    frame.fd = pinfo->fd;
    frame.is_new = !pinfo->fd->visited;
}

static void make_room(void)
{
    enum { LEAST = 8 };
    if (frame.noted.count < frame.room)
        return;
    frame.room = MAX(frame.room * 2, LEAST);
    frame.noted.list = (struct tcphs_ip_payload *)wmem_realloc(wmem_epan_scope(), frame.noted.list,
                                                               (gsize)frame.room * sizeof *frame.noted.list);
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

static int add_note(guint8 protocol, tvbuff_t *tvb, packet_info *pinfo, void *data)
{
    make_room();
    struct tcphs_ip_payload *p = &frame.noted.list[frame.noted.count];
    const struct tcphs_ip_payload *outer = frame.current >= 0 ? &frame.noted.list[frame.current] : NULL;
    p->tvb = tvb;
    p->outer = frame.current;
    p->icmp = outer == NULL ? -1 : outer->protocol == ICMP || outer->protocol == ICMPV6 ? p->outer : outer->icmp;
    p->layers = wmem_list_count(pinfo->layers);
    p->vlan = pinfo->vlan_id;
    p->protocol = protocol;
    p->is_fragment = pinfo->fragmented;
    p->is_error_copy = pinfo->flags.in_error_pkt;
    put_network(p, outer, pinfo, data);
    p->path = outer == NULL ? p->vlan : tcphs_path_inside(p, outer, pinfo->layers);
    return frame.noted.count++;
}

/* The hook ------------------------------------------------------------------------------------------------------ */

/* A display filter or column by TCP's fields, or by those of a protocol above it, finds nothing: said once. Which
 * protocols are above takes long to find out, so that is asked with the first segment alone: the filters of tshark
 * stay. A report's filter is refused before. */
static void say_what_is_missing(void)
{
    static bool asked, said;
    const char *missing = NULL;
    if (said)
        return;
    if (proto_registrar_get_nth((guint)proto_tcp)->ref_type != HF_REF_TYPE_NONE)
        missing = "tcp";
    else if (!asked)
        missing = tcphs_protocol_asked_for_without_tcp();
    asked = true;
    said = missing != NULL;
    if (said)
        fprintf(stderr, "tcphs: there are no fields of %s, as the preference tcphs.dissect_tcp is off\n", missing);
}

static int call_next(enum row row, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (row == ROW_tcp && !*call_tcp && proto_is_protocol_enabled(tcphs)) {
        say_what_is_missing();
        return (int)MAX(tvb_captured_length(tvb), 1u);
    }
    return call_dissector_only(next[row], tvb, pinfo, tree, data);
}

/* The host passes on what is refused to somebody else, so a refused payload is taken back. TRY, as the host's
 * CLEANUP_PUSH, which would be cheaper, needs a function that 4.0 does not export. */
static int note_and_call(enum row row, guint8 protocol, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    const int outer = frame.current;
    if (outer >= 0 && !is_of(pinfo))
        return call_dissector_only(next[row], tvb, pinfo, tree, data);
    if (outer < 0)
        begin_frame_if_new(pinfo);
    const int index = add_note(protocol, tvb, pinfo, data);
    volatile int taken = 0;
    frame.current = index;
    TRY
    {
        taken = call_next(row, tvb, pinfo, tree, data);
    }
    FINALLY
    {
        frame.current = outer;
    }
    ENDTRY;
    if (taken == 0)
        frame.noted.count = index;
    return taken;
}

/* dissect_tcp, dissect_udp and so on: where the host enters the hook. */
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
    dissector_add_uint(
        "ip.proto", number,
        create_dissector_handle_with_name_and_description(dissector, in_name_only[row], name, description));
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
    unsigned called = tcphs_layers_of(pinfo, proto_tcp);
    for (int i = 0; called > 0 && *call_tcp && i < noted->count; i++)
        called -= noted->list[i].protocol == TCPHS_IP_PROTO_TCP;
    return called;
}
