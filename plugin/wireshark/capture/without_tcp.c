/* without_tcp.c
 * Which protocols lie below TCP and which do not is read from the host's dissector tables: what stands in a table of
 * TCP or TLS needs TCP, and so may what stands in no table of a protocol below.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/without_tcp.h"

#include "capture/primed_filter.h"

static const char *const tables_below[] = { "wtap_encap", "ethertype",      "ip.proto", "udp.port",
                                            "sll.ltype",  "null.type",      "llc.dsap", "ppp.protocol",
                                            "gre.proto",  "chdlc.protocol", "sctp.port" };
static const char *const tables_above[] = { "tcp.port", "tls.port", "tls.alpn" };
static const char *const heuristics_above[] = { "tcp", "tls" };
/* In no table, or in front of their dissectors stands the hook. */
static const char *const below[] = { "frame", "tcphs",  "eth", "ip",  "ipv6", "udp",
                                     "icmp",  "icmpv6", "gre", "esp", "ah",   "_ws.expert" };

static void put(GHashTable *set, int proto)
{
    if (proto >= 0)
        g_hash_table_add(set, GINT_TO_POINTER(proto));
}

static void put_entry(const gchar *table, ftenum_t type, gpointer key, gpointer entry, gpointer set)
{
    (void)table;
    (void)type;
    (void)key;
    dissector_handle_t handle = dtbl_entry_get_handle((dtbl_entry_t *)entry);
    if (handle != NULL)
        put((GHashTable *)set, dissector_handle_get_protocol_index(handle));
}

static void put_heuristic(const gchar *table, heur_dtbl_entry_t *entry, gpointer set)
{
    (void)table;
    put((GHashTable *)set, proto_get_id(entry->protocol));
}

static GHashTable *protocols_below(void)
{
    GHashTable *set = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (unsigned i = 0; i < G_N_ELEMENTS(tables_below); i++)
        if (find_dissector_table(tables_below[i]) != NULL)
            dissector_table_foreach(tables_below[i], put_entry, set);
    for (unsigned i = 0; i < G_N_ELEMENTS(below); i++)
        put(set, proto_get_id_by_filter_name(below[i]));
    return set;
}

static GHashTable *protocols_above(void)
{
    GHashTable *set = g_hash_table_new(g_direct_hash, g_direct_equal);
    put(set, proto_get_id_by_filter_name("tcp"));
    for (unsigned i = 0; i < G_N_ELEMENTS(tables_above); i++)
        if (find_dissector_table(tables_above[i]) != NULL)
            dissector_table_foreach(tables_above[i], put_entry, set);
    for (unsigned i = 0; i < G_N_ELEMENTS(heuristics_above); i++)
        if (has_heur_dissector_list(heuristics_above[i]))
            heur_dissector_table_foreach(heuristics_above[i], put_heuristic, set);
    return set;
}

static bool is_lost(int proto, GHashTable *lower, GHashTable *higher)
{
    return g_hash_table_contains(higher, GINT_TO_POINTER(proto)) ||
           !g_hash_table_contains(lower, GINT_TO_POINTER(proto));
}

const char *tcphs_protocol_asked_for_without_tcp(void)
{
    GHashTable *lower = protocols_below(), *higher = protocols_above();
    const char *lost = NULL;
    void *cookie;
    for (int proto = proto_get_first_protocol(&cookie); proto != -1 && lost == NULL;
         proto = proto_get_next_protocol(&cookie)) {
        const header_field_info *info = proto_registrar_get_nth((guint)proto);
        if (info != NULL && info->ref_type != HF_REF_TYPE_NONE && is_lost(proto, lower, higher))
            lost = proto_get_protocol_filter_name(proto);
    }
    g_hash_table_destroy(lower);
    g_hash_table_destroy(higher);
    return lost;
}

static void look_for_lost(void *lost)
{
    *(const char **)lost = tcphs_protocol_asked_for_without_tcp();
}

const char *tcphs_protocol_lost_without_tcp(const char *filter)
{
    const char *lost = NULL;
    tcphs_with_primed_filter(filter, look_for_lost, &lost);
    return lost;
}
