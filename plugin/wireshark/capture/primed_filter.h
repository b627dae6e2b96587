/* primed_filter.h
 * Which fields a display filter asks for, before it is in use: the host marks them (ref_type of header_field_info) while
 * a dissection is prepared for the filter. What the marks mean to the caller is left to it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_PRIMED_FILTER_H
#define TCPHS_PRIMED_FILTER_H

#include "compat.h"

/**
 * Calls look(data) once while the fields of a display filter are marked. Macros are expanded. Not called where the filter
 * is NULL, empty or not valid.
 */
void tcphs_with_primed_filter(const char *filter, void (*look)(void *data), void *data);

#endif
