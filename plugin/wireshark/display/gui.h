/* gui.h
 * Wireshark's window, where the program has one: how far it is with its file, and how it is made to filter again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TCPHS_GUI_H
#define TCPHS_GUI_H

#include <stdbool.h>

/** The program is Wireshark itself; known from registration on. */
bool tcphs_gui_exists(void);

/** It goes through the packets of its file by a display filter: applying one is put off by the host until then. */
bool tcphs_gui_defers_filter(void);

/**
 * Calls a function from the main loop once the file that is open then was read to its end and no run over its packets
 * is under way; not at all if it is closed before. While a call is due, others are not taken. Does nothing without a
 * window.
 */
void tcphs_gui_when_read(void (*then)(void));

/** Has the window apply its display filter again, or run its statistics again where it has none. */
void tcphs_gui_filter_again(void);

#endif
