/* conversation_filter.h
 * The entry "TCP connection (tcphs)" of the host's Conversation Filter and Colorize Conversation menus.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_CONVERSATION_FILTER_H
#define TCPHS_CONVERSATION_FILTER_H

#include "compat.h"

/** Registers the entry; once. */
void tcphs_conversation_filter_register(int proto_tcphs);

/** Keeps with a frame that is shown which connection it belongs to, for as long as it is shown. */
void tcphs_conversation_filter_note(packet_info *pinfo, const proto_tree *tree, guint32 id);

#endif
