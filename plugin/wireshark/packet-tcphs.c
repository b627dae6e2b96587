/* packet-tcphs.c
 * The post-dissector behind the hook (capture/ip_payload.c): learns from every frame once, then shows by recall on
 * every visit, the first included, so that one pass, two passes, the GUI and sharkd cannot differ.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-tcphs.h"

#include "compat.h"

#include <epan/prefs.h>
#include <epan/range.h>

#include "display/conversation_filter.h"
#include "reports/flow_graph.h"
#include "capture/ip_payload.h"
#include "display/display.h"
#include "reports/reports.h"
#include "reports/response_times.h"
#include "display/second_pass.h"
#include "tracker/tracker.h"

/* The ports that Zeek's own scripts register for TCP: by them it guesses who is the server of a connection whose SYN
 * was not captured. */
#define ZEEK_DEFAULT_PORTS                                                                                             \
    "21,22,25,53,79-81,88,135,139,143,389,443,445,465,502,514,563,585,587,614,631,636,989,990,992,993,995,1080,1434,"  \
    "1883,2811,3128,3268,3306,3389,5222,5223,5269,5432,6379,6666-6669,8000,8080,8888,20000"

/* The protocol and its preferences. Lifetime: forever. */
static int proto_tcphs = -1;
static tcphs_pref_bool info_column = 0;
static range_t *zeek_ports, *zeek_default_ports;
static tcphs_pref_bool dissect_tcp = 1;
static struct tcphs_report_options report_options = { .dissect_tcp = &dissect_tcp,
                                                      .format = "text",
                                                      .slow_setup = 200 };

static bool is_zeek_port(uint16_t port)
{
    return value_is_in_range(zeek_ports->nranges > 0 ? zeek_ports : zeek_default_ports, port);
}

static void show(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, bool reported)
{
    struct tcphs_match matches[TCPHS_SHOWN_HEADERS];
    const unsigned count = tcphs_tracker_recall(pinfo, matches);
    for (unsigned i = 0; tree != NULL && i < count; i++)
        tcphs_second_pass_show(pinfo, &matches[i]);
    for (unsigned i = 0; i < count; i++)
        tcphs_display(&matches[i], pinfo, tvb, tree, info_column && i == 0);
    if (count > 0)
        tcphs_conversation_filter_note(pinfo, tree, matches[count - 1].tracked->handle.id);
    if (count > 0 && reported)
        tcphs_reports_queue(pinfo, matches, count);
}

static int dissect_tcphs(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    (void)data;
    pinfo->current_proto = "TCPHS"; /* whose the expert infos are; the caller restores it */
    tcphs_second_pass_visit(pinfo);
    tcphs_tracker_learn(pinfo);
    const bool reported = tcphs_reports_are_wanted();
    if (reported || info_column || tcphs_display_is_wanted(tree) || tcphs_tracker_has_findings(pinfo))
        show(tvb, pinfo, tree, reported);
    tcphs_ip_payloads_forget();
    return (int)tvb_captured_length(tvb);
}

/* What each kind of preference needs beside the texts of its row. */
#define DISSECT_TCP &dissect_tcp
#define INFO_COLUMN &info_column
#define REPORT &report_options.format
#define SLOW_SETUP 10, &report_options.slow_setup
#define ZEEK_PORTS &zeek_ports, MAX_TCP_PORT

static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_tcphs, NULL);
    range_convert_str(wmem_epan_scope(), &zeek_default_ports, ZEEK_DEFAULT_PORTS, MAX_TCP_PORT);
    range_convert_str(wmem_epan_scope(), &zeek_ports, "", MAX_TCP_PORT);
#define TCPHS_PREFERENCE(kind, name, NAME, title, fallback, choices, help)                                             \
    prefs_register_##kind##_preference(module, #name, title, help, NAME);
#include "preferences.def"
}

void tcphs_register_protocol(void)
{
    proto_tcphs = proto_register_protocol("TCP Handshake Analysis", "TCPHS", "tcphs");
    tcphs_display_register(proto_tcphs);
    tcphs_ip_payloads_register(proto_tcphs, &dissect_tcp);
    tcphs_second_pass_register();
    tcphs_tracker_register(is_zeek_port);
    tcphs_reports_register(proto_tcphs, &report_options);
    tcphs_flow_graph_register(proto_tcphs);
    tcphs_response_times_register(proto_tcphs);
    tcphs_conversation_filter_register(proto_tcphs);
    register_preferences();
    /* In name only: it goes on and off with tcphs, and frame.protocols stays as it is without tcphs. */
    register_postdissector(create_dissector_handle(
        dissect_tcphs, proto_register_protocol_in_name_only("TCPHS post-dissector", "TCPHS post-dissector",
                                                            "tcphs.postdissector", proto_tcphs, FT_PROTOCOL)));
}

void tcphs_register_handoff(void)
{
    tcphs_ip_payloads_hook();
    tcphs_second_pass_look_up();
}
