/* window.c
 * Wireshark's window by the interfaces that it has for plugins.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "window.h"

#include "compat.h"

#include <cfile.h>
#include <epan/funnel.h>
#include <epan/plugin_if.h>

#define LOOK_AFTER_MS 200

bool tcphs_window_exists(void)
{
    ws_info_t *info = NULL;
    plugin_if_get_ws_info(&info);
    return info != NULL && info->ws_info_supported;
}

/* Of the file that is open. */
struct view {
    bool is_open, is_read, is_locked;
    char *filter; /* what its packets are chosen by, NULL = all are shown; to be freed */
};

static void *look(capture_file *file, void *data)
{
    struct view *view = (struct view *)data;
    if (file == NULL || file->state == FILE_CLOSED)
        return NULL;
    view->is_open = true;
    view->is_read = file->state == FILE_READ_DONE;
    view->is_locked = file->read_lock;
    view->filter = g_strdup(file->dfilter);
    return NULL;
}

static struct view view_of_file(void)
{
    struct view view = { 0 };
    plugin_if_get_capture_file(look, &view);
    return view;
}

bool tcphs_window_puts_filter_off(void)
{
    const struct view view = view_of_file();
    g_free(view.filter);
    return view.is_locked && view.filter != NULL;
}

static void (*due)(void);

static gboolean look_whether_read(gpointer data)
{
    const struct view view = view_of_file();
    void (*const then)(void) = due;
    (void)data;
    g_free(view.filter);
    if (view.is_open && (!view.is_read || view.is_locked))
        return G_SOURCE_CONTINUE;
    due = NULL;
    if (view.is_open)
        then();
    return G_SOURCE_REMOVE;
}

/* The host calls nobody when it has dissected a file anew, after a change of preferences: it is looked for. */
void tcphs_window_when_read(void (*then)(void))
{
    if (due != NULL || !tcphs_window_exists())
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

void tcphs_window_filter_again(void)
{
    const struct view view = view_of_file();
    if (view.filter != NULL) {
        /* The host does nothing about a filter that is the one in force: it is taken off first. While the window is
         * locked, both together are one run over the packets. */
        plugin_if_apply_filter("", true);
        plugin_if_apply_filter(view.filter, true);
    } else {
        run_statistics();
    }
    g_free(view.filter);
}
