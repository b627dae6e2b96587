/* gui.c
 * Wireshark's window by the interfaces that it has for plugins.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "display/gui.h"

#include "compat.h"

#include <cfile.h>
#include <epan/funnel.h>
#include <epan/plugin_if.h>

#define LOOK_AFTER_MS 200

bool tcphs_gui_exists(void)
{
    ws_info_t *info = NULL;
    plugin_if_get_ws_info(&info);
    return info != NULL && info->ws_info_supported;
}

/* What the host says of the file that is open. Lifetime: one call. */
struct file_state {
    bool is_open, is_read, is_locked;
    char *filter; /* what its packets are chosen by, NULL = all are shown; to be freed */
};

static void *look(capture_file *file, void *data)
{
    struct file_state *file_state = (struct file_state *)data;
    if (file == NULL || file->state == FILE_CLOSED)
        return NULL;
    file_state->is_open = true;
    file_state->is_read = file->state == FILE_READ_DONE;
    file_state->is_locked = file->read_lock;
    file_state->filter = g_strdup(file->dfilter);
    return NULL;
}

static struct file_state state_of_file(void)
{
    struct file_state file_state = { 0 };
    plugin_if_get_capture_file(look, &file_state);
    return file_state;
}

bool tcphs_gui_defers_filter(void)
{
    const struct file_state file_state = state_of_file();
    g_free(file_state.filter);
    return file_state.is_locked && file_state.filter != NULL;
}

static void (*due)(void);

static gboolean look_whether_read(gpointer data)
{
    const struct file_state file_state = state_of_file();
    void (*const then)(void) = due;
    (void)data;
    g_free(file_state.filter);
    if (file_state.is_open && (!file_state.is_read || file_state.is_locked))
        return G_SOURCE_CONTINUE;
    due = NULL;
    if (file_state.is_open)
        then();
    return G_SOURCE_REMOVE;
}

/* The host calls nobody when it has dissected a file anew, after a change of preferences: it is looked for. */
void tcphs_gui_when_read(void (*then)(void))
{
    if (due != NULL || !tcphs_gui_exists())
        return;
    due = then;
    g_timeout_add(LOOK_AFTER_MS, look_whether_read, NULL);
}

static void run_statistics(void)
{
    const funnel_ops_t *ops = funnel_get_funnel_ops();
    if (ops != NULL && ops->retap_packets != NULL)
        ops->retap_packets(ops->ops_id);
}

void tcphs_gui_filter_again(void)
{
    const struct file_state file_state = state_of_file();
    if (file_state.filter != NULL) {
        /* The host does nothing about a filter that is the one in force: it is taken off first. While the window is
         * locked, both together are one run over the packets. */
        plugin_if_apply_filter("", true);
        plugin_if_apply_filter(file_state.filter, true);
    } else {
        run_statistics();
    }
    g_free(file_state.filter);
}
