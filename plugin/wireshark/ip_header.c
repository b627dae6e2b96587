/* ip_header.c
 * How long an IP header is and how long it says that its packet is: RFC 791 section 3.1, RFC 8200 sections 3 and 4.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "ip_header.h"

enum { FRAGMENT = 44, AUTHENTICATION = 51 }; /* AH: the one header of its kind that IPv4 has, too */

/* Length of an extension header, 0 = what follows is no extension header. A fragment header counts where it divides
 * nothing (an atomic fragment, RFC 6946); the length of AH counts four-byte words beyond two (RFC 4302 section 2.2). */
static int extension_length(guint8 kind, const guint8 *header)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, DESTINATION = 60 };
    switch (kind) {
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION:
        return (header[1] + 1) * 8;
    case FRAGMENT:
        return (tcphs_get16(header + 2) & 0xFFF9) == 0 ? 8 : 0;
    case AUTHENTICATION:
        return (header[1] + 2) * 4;
    default:
        return 0;
    }
}

struct tcphs_ip tcphs_ip_at(struct tcphs_place place, bool is_v6)
{
    enum { V4_PROTOCOL = 9, V6_NEXT = 6, V4_FRAGMENT = 6, V4_DIVIDED = 0x3FFF, LEAST_EXTENSION = 8 };
    struct tcphs_ip ip = { place, is_v6 ? TCPHS_IPV6_FIXED : TCPHS_IPV4_FIXED, is_v6, false };
    const guint8 *fixed = tcphs_bytes_of(place, 0, TCPHS_IPV4_FIXED);
    if (fixed == NULL)
        return ip;
    if (!is_v6)
        ip.length = (fixed[0] & 15) * 4;
    guint8 kind = fixed[is_v6 ? V6_NEXT : V4_PROTOCOL];
    for (;;) {
        const guint8 *header = tcphs_bytes_of(place, ip.length, LEAST_EXTENSION);
        const int more = header != NULL && (is_v6 || kind == AUTHENTICATION) ? extension_length(kind, header) : 0;
        if (more == 0)
            break;
        kind = header[0];
        ip.length += more;
    }
    ip.is_fragment = is_v6 ? kind == FRAGMENT : (tcphs_get16(fixed + V4_FRAGMENT) & V4_DIVIDED) != 0;
    return ip;
}

int tcphs_ip_end(const struct tcphs_ip *ip, int end)
{
    enum { V4_LENGTH = 2, V6_PAYLOAD = 4 };
    const guint8 *p = tcphs_bytes_of(ip->place, 0, ip->is_v6 ? TCPHS_IPV6_FIXED : TCPHS_IPV4_FIXED);
    const int length = p == NULL   ? 0
                       : ip->is_v6 ? TCPHS_IPV6_FIXED + tcphs_get16(p + V6_PAYLOAD)
                                   : tcphs_get16(p + V4_LENGTH);
    return length > 0 ? MIN(end, ip->place.start + length)
                      : end; /* IPv4's 0: not yet filled in where it was captured */
}
