/* ip_payload.h
 * What each IP header of a frame carries, noted where the host hands it to the next dissector: the hook on TCP.
 * Leaves to others what the bytes say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_IP_PAYLOAD_H
#define TCPHS_IP_PAYLOAD_H

#include "compat.h"

#include <epan/dissectors/packet-ip.h>

enum { TCPHS_IP_PROTO_TCP = 6 };

/** The payload of one IP header. All pointers are good until the host is done with the frame. Lifetime: frame. */
struct tcphs_ip_payload {
    tvbuff_t *tvb;      /**< the payload alone; of a fragmented packet what the host put together */
    void *ip;           /**< struct ws_ip4 or ws_ip6 of the IP header; NULL: the host did not tell */
    address ends[2];    /**< sender and receiver as the host knew them, where ip is NULL */
    int outer;          /**< index of the payload around this one; -1 = none */
    int icmp;           /**< index of the ICMP message that quotes this packet; -1 = no quote */
    unsigned layers;    /**< layers of the frame below this payload */
    guint32 vlan;       /**< VLAN id last passed; 0 = none */
    guint32 path;       /**< a number for the VLAN and the tunnels that lead here, see path.h */
    guint8 protocol;    /**< IP protocol number */
    bool is_fragment;   /**< a first fragment, given to the dissector as it came */
    bool is_error_copy; /**< quoted by some protocol's error message */
};

/** The payloads of one frame in the order of the calls: outer ones before those inside. Lifetime: frame. */
struct tcphs_ip_payloads {
    struct tcphs_ip_payload *list;
    int count;
};

/**
 * Registers what the hook needs, once, when protocols register. While *tcphs is a disabled protocol nothing is noted.
 * While *dissect_tcp is false the host's TCP dissector is not called.
 */
void tcphs_ip_payloads_register(int proto_tcphs, const tcphs_pref_bool *dissect_tcp);

/** Takes its place in front of the dissectors of the nine protocols; once, at handoff. */
void tcphs_ip_payloads_hook(void);

/** What was noted of the frame that is being dissected; count 0 = no IP header carries anything of interest. */
const struct tcphs_ip_payloads *tcphs_ip_payloads_of(const packet_info *pinfo);

/** The post-dissector is done with the frame. */
void tcphs_ip_payloads_forget(void);

/**
 * TCP headers noted in frames dissected for the first time that the host had no post-dissector called for; counted
 * since this was asked last.
 */
unsigned tcphs_ip_payloads_take_unclaimed(void);

/** Who sent the packet, by its IP header. */
static inline const address *tcphs_ip_payload_sender(const struct tcphs_ip_payload *p)
{
    const ws_ip4 *v4 = WS_IP4_PTR(p->ip);
    const ws_ip6 *v6 = WS_IP6_PTR(p->ip);
    return v4 != NULL ? &v4->ip_src : v6 != NULL ? &v6->ip6_src : &p->ends[0];
}

/** Whom it is for. */
static inline const address *tcphs_ip_payload_receiver(const struct tcphs_ip_payload *p)
{
    const ws_ip4 *v4 = WS_IP4_PTR(p->ip);
    const ws_ip6 *v6 = WS_IP6_PTR(p->ip);
    return v4 != NULL ? &v4->ip_dst : v6 != NULL ? &v6->ip6_dst : &p->ends[1];
}

/** How often the host called its TCP dissector for this frame by other ways than through the hook. */
unsigned tcphs_ip_payloads_missed(const packet_info *pinfo, const struct tcphs_ip_payloads *noted);

#endif
