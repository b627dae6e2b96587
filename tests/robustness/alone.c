/* alone.c
 * Loaded with the sanitizers' run time into a program that was built without it, so that the programs which that one
 * starts do not get it: dumpcap and extcap programs hang at their end or start with it, and have no tcphs in them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>

__attribute__((constructor)) static void leave_children_alone(void)
{
    unsetenv("LD_PRELOAD");
}
