/* packet-tcphs.c
 * The post-dissector: learns from every frame once, then shows by recall on every visit, the first included, so that
 * one pass, two passes, the GUI and sharkd cannot differ.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-tcphs.h"

#include "compat.h"

#include <epan/prefs.h>

#include "present.h"
#include "segments.h"
#include "store.h"

/* More TCP headers than this in one frame are learned but not shown. */
#define SHOWN_HEADERS 16

static int proto_tcphs = -1;
static dissector_handle_t tcphs_handle;
static tcphs_pref_bool info_column = 0;

static int dissect_tcphs(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    struct tcphs_hit hits[SHOWN_HEADERS];
    (void)data;
    tcphs_store_learn(pinfo, tvb, tree);
    const unsigned count = MIN(tcphs_store_recall(pinfo, hits, SHOWN_HEADERS), SHOWN_HEADERS);
    for (unsigned i = 0; i < count; i++)
        tcphs_present(&hits[i], pinfo, tvb, tree, info_column && i == 0);
    return (int)tvb_captured_length(tvb);
}

void tcphs_register_protocol(void)
{
    proto_tcphs = proto_register_protocol("TCP Handshake Analysis", "TCPHS", "tcphs");
    tcphs_present_register(proto_tcphs);
    tcphs_store_register();
    tcphs_handle = register_dissector("tcphs", dissect_tcphs, proto_tcphs);

    module_t *module = prefs_register_protocol(proto_tcphs, NULL);
    prefs_register_bool_preference(
        module, "info_column", "Append stage and verdict to the Info column",
        "Adds the stage of the connection after each segment, and the verdict on the connection, to the packet list",
        &info_column);
    register_postdissector(tcphs_handle);
}

void tcphs_register_handoff(void)
{
    tcphs_segments_want(tcphs_handle);
}
