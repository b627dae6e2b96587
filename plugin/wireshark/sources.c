/* sources.c
 * Looks up what the host calls its fields and taps, and asks for those of the source that was chosen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "sources.h"

#include <epan/prefs.h>

#include <epan/prefs-int.h>
#include <epan/tap.h>

struct tcphs_sources tcphs_sources;

static dissector_handle_t postdissector;

void tcphs_sources_look_up(dissector_handle_t handle)
{
    postdissector = handle;
    tcphs_sources.tcp = proto_get_id_by_filter_name("tcp");
    tcphs_sources.ip = proto_get_id_by_filter_name("ip");
    tcphs_sources.ipv6 = proto_get_id_by_filter_name("ipv6");
    tcphs_sources.icmp = proto_get_id_by_filter_name("icmp");
    tcphs_sources.icmpv6 = proto_get_id_by_filter_name("icmpv6");
    tcphs_sources.length = proto_registrar_get_id_byname("tcp.len");
    tcphs_sources.checksum = proto_registrar_get_id_byname("tcp.checksum.status");
    tcphs_sources.network_checksum = proto_registrar_get_id_byname("ip.checksum.status");
    tcphs_sources.gre = proto_get_id_by_filter_name("gre");
    tcphs_sources.vxlan = proto_get_id_by_filter_name("vxlan");
    tcphs_sources.gtp = proto_get_id_by_filter_name("gtp");
    tcphs_sources.geneve = proto_get_id_by_filter_name("geneve");
    tcphs_sources.tap_tcp = find_tap_id("tcp");
    tcphs_sources.tap_ip = find_tap_id("ip");
    tcphs_sources.tap_ipv6 = find_tap_id("ipv6");
}

static bool is_verifying(const char *protocol)
{
    module_t *module = prefs_find_module(protocol);
    pref_t *preference = module != NULL ? prefs_find_preference(module, "check_checksum") : NULL;
    return preference != NULL && prefs_get_bool_value(preference, pref_current);
}

bool tcphs_sources_verify_checksums(void)
{
    return is_verifying("tcp") || is_verifying("ip");
}

/* The fields that the walk reads; none when it reads taps, for their mere asking makes the host build a tree. */
static void want_fields(bool any)
{
    const int wanted[] = { tcphs_sources.tcp, tcphs_sources.ip, tcphs_sources.ipv6, tcphs_sources.length };
    GArray *hfids = any ? g_array_new(FALSE, FALSE, sizeof(int)) : NULL;
    if (any)
        g_array_append_vals(hfids, wanted, G_N_ELEMENTS(wanted));
    if (any && is_verifying("tcp"))
        g_array_append_val(hfids, tcphs_sources.checksum);
    if (any && is_verifying("ip"))
        g_array_append_val(hfids, tcphs_sources.network_checksum);
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

void tcphs_sources_want(enum tcphs_source from, bool of_window)
{
    tcphs_sources.source = from;
    tcphs_sources.in_window = of_window;
    want_fields(from == TCPHS_FROM_FIELDS);
    listen_to_taps(from == TCPHS_FROM_TAPS || of_window);
}
