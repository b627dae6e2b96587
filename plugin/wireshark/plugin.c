/* plugin.c
 * The symbols by which Wireshark's loader knows the plugin.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "compat.h"

#include <epan/proto.h>

#include "packet-tcphs.h"

WS_DLL_PUBLIC_DEF const char plugin_version[] = TCPHS_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC tcphs_plugin_flags plugin_describe(void);

void plugin_register(void)
{
    static const proto_plugin plugin = { tcphs_register_protocol, tcphs_register_handoff };
    proto_register_plugin(&plugin);
}

tcphs_plugin_flags plugin_describe(void)
{
    return TCPHS_PLUGIN_FLAGS;
}
