/* sources.h
 * Where headers are read from: fields of the host's tree or its taps, by the names that the host has for them.
 * Leaves to others what is read there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_SOURCES_H
#define TCPHS_SOURCES_H

#include "compat.h"

/** Where headers are read from (preference tcphs.source); what they say is the same. */
enum tcphs_source {
    TCPHS_FROM_FIELDS, /**< the tree's items: in every pass of every program */
    TCPHS_FROM_TAPS,   /**< the taps of tcp, ip and ipv6: much cheaper, but not every pass has them */
};

/** The host's numbers and what was chosen; written in sources.c only. */
struct tcphs_sources {
    int tcp, ip, ipv6, icmp, icmpv6, gre, vxlan, gtp, geneve; /**< protocols */
    int length, checksum, network_checksum;                   /**< fields: of tcp, of tcp, of ip */
    int tap_tcp, tap_ip, tap_ipv6;
    enum tcphs_source source;
    bool in_window; /**< of Wireshark: whose read filter sees a frame before the pass that has taps */
};

extern struct tcphs_sources tcphs_sources;

/** Looks the numbers up; once, at handoff. */
void tcphs_sources_look_up(dissector_handle_t handle);

/** Whether the host is set to verify checksums, which only the fields tell. */
bool tcphs_sources_verify_checksums(void);

/** Asks the host to provide what a source needs, and no more; before a file is read. */
void tcphs_sources_want(enum tcphs_source from, bool of_window);

#endif
