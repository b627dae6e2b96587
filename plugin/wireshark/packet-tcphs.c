/* packet-tcphs.c
 * The post-dissector: learns from every frame once, then shows by recall on every visit, the first included, so that
 * one pass, two passes, the GUI and sharkd cannot differ.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-tcphs.h"

#include "compat.h"

#include <epan/prefs.h>
#include <epan/range.h>

#include "present.h"
#include "reports.h"
#include "segments.h"
#include "store.h"

static int proto_tcphs = -1;
static dissector_handle_t tcphs_handle;
static tcphs_pref_bool info_column = 0;
static range_t *zeek_ports;
static int source = TCPHS_SOURCE_AUTO;
static struct tcphs_report_options report_options = { .format = "text", .slow_setup = 200 };

/* The ports that Zeek's own scripts register for TCP: by them it guesses who is the server of a connection whose SYN
 * was not captured. */
#define ZEEK_PORTS                                                                                                     \
    "21,22,25,53,79-81,88,135,139,143,389,443,445,465,502,514,563,585,587,614,631,636,989,990,992,993,995,1080,1434,"  \
    "1883,2811,3128,3268,3306,3389,5222,5223,5269,5432,6379,6666-6669,8000,8080,8888,20000"

static bool is_zeek_port(uint16_t port)
{
    return value_is_in_range(zeek_ports, port);
}

static int dissect_tcphs(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    struct tcphs_hit hits[TCPHS_SHOWN_HEADERS];
    (void)data;
    tcphs_store_learn(pinfo, tvb, tree);
    const unsigned count = tcphs_store_recall(pinfo, hits);
    for (unsigned i = 0; i < count; i++)
        tcphs_present(&hits[i], pinfo, tvb, tree, info_column && i == 0);
    if (count > 0 && tcphs_reports_are_wanted())
        tcphs_reports_queue(pinfo, hits, count);
    return (int)tvb_captured_length(tvb);
}

static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_tcphs, NULL);
    prefs_register_bool_preference(
        module, "info_column", "Append stage and verdict to the Info column",
        "Adds the stage of the connection after each segment, and the verdict on the connection, to the packet list",
        &info_column);
    prefs_register_string_preference(module, "report", "Format of reports",
                                     "How tshark -z tcphs,conn and the other reports are written: text for people, tsv "
                                     "for tab-separated values, json "
                                     "for one JSON object per line",
                                     &report_options.format);
    prefs_register_uint_preference(module, "slow_setup", "Slow setup (ms)",
                                   "Connections that took longer than this from the first SYN to established are "
                                   "counted as slow in reports",
                                   10, &report_options.slow_setup);
    static const enum_val_t sources[] = {
        { "auto", "Automatic", TCPHS_SOURCE_AUTO },
        { "fields", "Fields", TCPHS_SOURCE_FIELDS },
        { "tap", "Taps", TCPHS_SOURCE_TAP },
        { NULL, NULL, 0 },
    };
    prefs_register_enum_preference(
        module, "source", "Source of segments",
        "Fields work in every pass of every program. Taps cost much less, but two passes of tshark and sharkd's load "
        "do not have them. Automatic means taps in Wireshark's window and fields elsewhere",
        &source, sources, FALSE);
    range_convert_str(wmem_epan_scope(), &zeek_ports, ZEEK_PORTS, MAX_TCP_PORT);
    prefs_register_range_preference(
        module, "zeek_ports", "Server ports for Zeek's words",
        "TCP ports by which Zeek guesses who is the server when the SYN was not captured (its likely_server_ports); "
        "matters to tcphs.conn.zeek.state and tcphs.conn.zeek.history only",
        &zeek_ports, MAX_TCP_PORT);
}

void tcphs_register_protocol(void)
{
    proto_tcphs = proto_register_protocol("TCP Handshake Analysis", "TCPHS", "tcphs");
    tcphs_present_register(proto_tcphs);
    tcphs_store_register(is_zeek_port, &source);
    tcphs_reports_register(&report_options);
    tcphs_handle = register_dissector("tcphs", dissect_tcphs, proto_tcphs);

    register_preferences();
    register_postdissector(tcphs_handle);
}

void tcphs_register_handoff(void)
{
    tcphs_segments_look_up(tcphs_handle);
    tcphs_reports_look_up();
}
