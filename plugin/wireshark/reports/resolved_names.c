/* resolved_names.c
 * Asks the host, which answers with the number itself where it knows no name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "reports/resolved_names.h"

#include <epan/addr_resolv.h>
#include <epan/to_str.h>

static address address_of(const struct tcphs_tuple *tuple, unsigned end)
{
    address a;
    set_address(&a, tuple->address_type, tuple->address_type == AT_IPv4 ? 4 : 16, tuple->address[end]);
    return a;
}

/* What the host displays, as memory of ours. */
static char *displayed(char *text)
{
    char *copy = g_strdup(text);
    wmem_free(NULL, text);
    return copy;
}

char *tcphs_resolved_address(const struct tcphs_tuple *tuple, unsigned end)
{
    if (!gbl_resolv_flags.network_name || (tuple->address_type != AT_IPv4 && tuple->address_type != AT_IPv6))
        return NULL;
    const address a = address_of(tuple, end);
    char *name = displayed(address_to_display(NULL, &a)), *number = displayed(address_to_str(NULL, &a));
    if (strcmp(name, number) == 0) {
        g_free(name);
        name = NULL;
    }
    g_free(number);
    return name;
}

char *tcphs_resolved_endpoint(const struct tcphs_tuple *tuple, unsigned end)
{
    char *name = tcphs_resolved_address(tuple, end);
    if (name == NULL && !gbl_resolv_flags.transport_name)
        return NULL;
    const address a = address_of(tuple, end);
    char *host = name != NULL ? name : displayed(address_to_str(NULL, &a));
    char *port = displayed(tcp_port_to_display(NULL, tuple->port[end]));
    const bool bracketed = name == NULL && tuple->address_type == AT_IPv6;
    char *endpoint = g_strdup_printf(bracketed ? "[%s]:%s" : "%s:%s", host, port);
    g_free(host);
    g_free(port);
    return endpoint;
}
