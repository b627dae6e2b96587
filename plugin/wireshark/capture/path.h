/* path.h
 * A number for the way a packet came: its VLAN and the tunnels around it. Two networks that use the same addresses are
 * told apart by it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PATH_H
#define TCPHS_PATH_H

#include "capture/ip_payload.h"

/** Looks up the protocols of tunnels; once, at registration. */
void tcphs_path_register(void);

/**
 * The path of a payload inside another one, of which everything but the path is filled in; layers are those of the
 * frame. Both directions of a tunnel have the same number, unless the tunnel's own number differs by direction (GTP).
 * The same capture gives the same numbers in every process.
 */
guint32 tcphs_path_inside(const struct tcphs_ip_payload *inner, const struct tcphs_ip_payload *outer,
                          wmem_list_t *layers);

#endif
