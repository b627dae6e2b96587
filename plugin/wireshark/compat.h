/* compat.h
 * The differences between the Wireshark versions we build for (4.0, 4.4, 4.6), all of them, and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_COMPAT_H
#define TCPHS_COMPAT_H

#include <stdlib.h>

#include <glib.h>
#ifdef G_OS_UNIX
#include <unistd.h>
#endif
#include <wireshark.h>
#include <ws_version.h>

#include <epan/packet.h>
#include <epan/prefs.h>
#include <epan/tap.h>
#include <epan/to_str.h>
#include <wsutil/inet_addr.h>
#include <wsutil/pint.h>

#define TCPHS_WIRESHARK_AT_LEAST(major, minor)                                                                         \
    (WIRESHARK_VERSION_MAJOR > (major) || (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))

/* value_string moved to libwsutil in 4.6. */
#if TCPHS_WIRESHARK_AT_LEAST(4, 6)
#include <wsutil/value_string.h>
#else
#include <epan/value_string.h>
#endif

/* GLib's types gave way to C99's in 4.4; where a pointer is passed the difference is an error. */
#if TCPHS_WIRESHARK_AT_LEAST(4, 4)
typedef bool tcphs_pref_bool;
typedef uint32_t tcphs_plugin_flags;
#else
typedef gboolean tcphs_pref_bool;
typedef guint32 tcphs_plugin_flags;
#endif

/* Numbers in network order; the host's functions were renamed in 4.6. */
static inline guint16 tcphs_get16(const guint8 *p)
{
#if TCPHS_WIRESHARK_AT_LEAST(4, 6)
    return pntohu16(p);
#else
    return pntoh16(p);
#endif
}

static inline guint32 tcphs_get32(const guint8 *p)
{
#if TCPHS_WIRESHARK_AT_LEAST(4, 6)
    return pntohu32(p);
#else
    return pntoh32(p);
#endif
}

/* Whether the host is set to verify the checksums of a protocol ("tcp", "ip"). */
static inline bool tcphs_host_verifies_checksum(const char *protocol)
{
    module_t *module = prefs_find_module(protocol);
    pref_t *preference = module != NULL ? prefs_find_preference(module, "check_checksum") : NULL;
    if (preference == NULL)
        return false;
    char *value = prefs_pref_to_str(preference, pref_current); /* as a bool it is in the private prefs-int.h alone */
    const bool verifies = value != NULL && g_ascii_strcasecmp(value, "TRUE") == 0;
    g_free(value);
    return verifies;
}

/* How often a protocol was called for this frame and accepted what it was given. */
static inline unsigned tcphs_layers_of(const packet_info *pinfo, int proto)
{
    const int *layers =
        pinfo->proto_layers != NULL ? (const int *)wmem_map_lookup(pinfo->proto_layers, GINT_TO_POINTER(proto)) : NULL;
    return layers != NULL && *layers > 0 ? (unsigned)*layers : 0;
}

/*
 * A statistic of tshark that has failed: the message goes through report_failure, and the exit status must not be 0.
 * This is the only place that ends the program, for the two cases in which the host leaves no other way:
 * - Before 4.6 the callback that begins a statistic returns nothing (stat_tap_init_cb in epan/stat_tap_ui.h); tshark's
 *   own statistics call exit() there (ui/cli/tap-*.c). From 4.6 on it returns false.
 * - In all three versions the callback that writes a statistic returns nothing (tap_draw_cb in epan/tap.h), nor does a
 *   shutdown routine (epan/packet.h), and the status that tshark returns is a local variable of its main().
 */
WS_NORETURN static inline void tcphs_end_program_as_failed(void)
{
    exit(EXIT_FAILURE);
}

#if TCPHS_WIRESHARK_AT_LEAST(4, 6)
#define TCPHS_STAT_BEGINS bool
#define TCPHS_STAT_HAS_BEGUN return true
#define TCPHS_STAT_CANNOT_BEGIN return false
#else
#define TCPHS_STAT_BEGINS void
#define TCPHS_STAT_HAS_BEGUN return
#define TCPHS_STAT_CANNOT_BEGIN tcphs_end_program_as_failed()
#endif

/* The host ignores SIGPIPE: that nobody reads on is no failure, as with `| head`. Elsewhere than on Unix it cannot be
 * told from one. */
static inline bool tcphs_output_has_lost_its_reader(void)
{
#ifdef G_OS_UNIX
    GPollFD out = { .fd = STDOUT_FILENO, .events = G_IO_OUT };
    return g_poll(&out, 1, 0) > 0 && (out.revents & (G_IO_ERR | G_IO_HUP));
#else
    return false;
#endif
}

/* An IPv4 address as text, quickly: the old name is deprecated in 4.4. */
static inline void tcphs_ipv4_text(const guint8 *address_bytes, char *text, int size)
{
#if TCPHS_WIRESHARK_AT_LEAST(4, 4)
    ws_in4_addr number;
    memcpy(&number, address_bytes, sizeof number);
    ip_addr_to_str_buf(&number, text, size);
#else
    ip_to_str_buf(address_bytes, text, size);
#endif
}

/*
 * Flow graphs. The library exports them, but no package has their header, epan/sequence_analysis.h: declared here is
 * what we use of it, of structures that the host itself allocates. Their layout was compared with the host's own
 * in 4.0, 4.4 and 4.6; where it was not, there is no flow graph of ours. Lifetime: file; the graph's: its window.
 */
#if WIRESHARK_VERSION_MAJOR == 4 &&                                                                                    \
    (WIRESHARK_VERSION_MINOR == 0 || WIRESHARK_VERSION_MINOR == 4 || WIRESHARK_VERSION_MINOR == 6)
#define TCPHS_HAS_FLOW_GRAPH

typedef struct _seq_analysis_item {
    guint32 frame_number;
    address src_addr;
    guint16 port_src;
    address dst_addr;
    guint16 port_dst;
    char *frame_label; /* on the arrow */
    char *time_str;
    char *comment;    /* at the right */
    guint16 conv_num; /* decides on the colour */
    unsigned fg_color, bg_color;
    tcphs_pref_bool has_color_filter;
    tcphs_pref_bool display;
    unsigned src_node, dst_node;
    guint16 line_style; /* width of the arrow in pixels */
} seq_analysis_item_t;

typedef struct _seq_analysis_info {
    const char *name;
    tcphs_pref_bool any_addr;
    int nconv;
    GQueue *items;
} seq_analysis_info_t;

#if TCPHS_WIRESHARK_AT_LEAST(4, 4)
_Static_assert(offsetof(seq_analysis_item_t, display) == offsetof(seq_analysis_item_t, bg_color) + 5, "layout");
#else
_Static_assert(offsetof(seq_analysis_item_t, display) == offsetof(seq_analysis_item_t, bg_color) + 8, "layout");
#endif
_Static_assert(offsetof(seq_analysis_info_t, items) == sizeof(char *) + 8, "layout");

void register_seq_analysis(const char *name, const char *ui_name, const int proto_id, const char *tap_listener,
                           unsigned tap_flags, tap_packet_cb tap_func);
seq_analysis_item_t *sequence_analysis_create_sai_with_addresses(packet_info *pinfo, seq_analysis_info_t *sainfo);
#endif

/* The callbacks of a conversation filter: 4.4 hands them data of ours. */
#if TCPHS_WIRESHARK_AT_LEAST(4, 4)
#define TCPHS_CONVERSATION_ARGUMENTS packet_info *pinfo, void *data _U_
#define tcphs_register_conversation_filter(protocol, name, valid, build)                                               \
    register_conversation_filter(protocol, name, valid, build, NULL)
#else
#define TCPHS_CONVERSATION_ARGUMENTS packet_info *pinfo
#define tcphs_register_conversation_filter(protocol, name, valid, build)                                               \
    register_conversation_filter(protocol, name, valid, build)
#endif

/* What a plugin says of itself, from 4.4 on (wsutil/plugins.h is not in every -dev package before). */
#if TCPHS_WIRESHARK_AT_LEAST(4, 4)
#include <wsutil/plugins.h>
#define TCPHS_PLUGIN_FLAGS WS_PLUGIN_DESC_DISSECTOR
#else
#define TCPHS_PLUGIN_FLAGS 1
#endif

#endif
