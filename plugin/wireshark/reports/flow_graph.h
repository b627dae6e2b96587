/* flow_graph.h
 * The flow type "TCP Handshakes" of Statistics -> Flow Graph and of tshark -z flow,handshake,network: ladders as a picture.
 * Leaves to others which segments stand on a rung of their own (ladder.h).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_FLOW_GRAPH_H
#define TCPHS_FLOW_GRAPH_H

/** Registers the flow type, where the host's version is one that was checked (compat.h). */
void tcphs_flow_graph_register(int proto_tcphs);

#endif
