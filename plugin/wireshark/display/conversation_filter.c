/* conversation_filter.c
 * The filter is tcphs.id: unlike the host's own it leaves out other connections on the same addresses and ports.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "display/conversation_filter.h"

#include <epan/conversation_filter.h>
#include <epan/proto_data.h>

enum { CONNECTION = 0 }; /* key of what is kept with a frame: the number of its connection and 1 */

static int proto; /* Lifetime: forever */

void tcphs_conversation_filter_note(packet_info *pinfo, const proto_tree *tree, guint32 id)
{
    if (tree != NULL && PTREE_DATA(tree)->visible) /* the selected packet is; lists and filters have other trees */
        p_add_proto_data(pinfo->pool, pinfo, proto, CONNECTION, GSIZE_TO_POINTER((gsize)id + 1));
}

static gsize noted(packet_info *pinfo)
{
    return GPOINTER_TO_SIZE(p_get_proto_data(pinfo->pool, pinfo, proto, CONNECTION));
}

static tcphs_pref_bool is_valid(TCPHS_CONVERSATION_ARGUMENTS)
{
    return noted(pinfo) > 0;
}

static char *build(TCPHS_CONVERSATION_ARGUMENTS)
{
    const gsize id = noted(pinfo);
    return id > 0 ? g_strdup_printf("tcphs.id == %" G_GSIZE_FORMAT, id - 1) : NULL;
}

void tcphs_conversation_filter_register(int proto_tcphs)
{
    proto = proto_tcphs;
    tcphs_register_conversation_filter("tcphs", "TCP connection (tcphs)", is_valid, build);
}
