/* memory.h
 * How the core asks for memory: it has none of its own, and frees none.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_MEMORY_H
#define TCPHS_MEMORY_H

#include <stddef.h>

/**
 * Gives a block of size bytes, the first old_size of which are those of old; old = NULL for a new one. Never fails
 * (aborts instead). When the memory is freed is the caller's choice, but not before the struct that points to it.
 */
typedef void *(*tcphs_grow)(void *old, size_t old_size, size_t size);

#endif
