/* resolved_names.h
 * Names of addresses and ports for reports, where the host's name resolution is on and knows them: the same that its
 * own conversation tables show.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_RESOLVED_NAMES_H
#define TCPHS_RESOLVED_NAMES_H

#include "capture/tuple.h"

/** Name of the address of an end, to be freed with g_free; NULL when it has none, or is not to be resolved. */
char *tcphs_resolved_address(const struct tcphs_tuple *tuple, unsigned end);

/** "address:port" of an end with names for what has one, to be freed with g_free; NULL when neither has. */
char *tcphs_resolved_endpoint(const struct tcphs_tuple *tuple, unsigned end);

#endif
