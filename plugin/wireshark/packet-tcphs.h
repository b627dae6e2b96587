/* packet-tcphs.h
 * The two entry points of the post-dissector.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PACKET_TCPHS_H
#define TCPHS_PACKET_TCPHS_H

/** Registers protocol, fields, expert infos and preferences; called once by the host. */
void tcphs_register_protocol(void);

/** Hooks the post-dissector onto TCP; called by the host when all protocols are registered. */
void tcphs_register_handoff(void);

#endif
