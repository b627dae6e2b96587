/* primed_filter.c
 * A dissection that is prepared and never run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "capture/primed_filter.h"

#include <epan/dfilter/dfilter.h>
#include <epan/epan_dissect.h>

void tcphs_with_primed_filter(const char *filter, void (*look)(void *data), void *data)
{
    dfilter_t *code = NULL;
    if (filter == NULL || !dfilter_compile(filter, &code, NULL) || code == NULL)
        return;
    epan_dissect_t *edt = epan_dissect_new(NULL, TRUE, FALSE);
    epan_dissect_prime_with_dfilter(edt, code);
    look(data);
    epan_dissect_free(edt);
    dfilter_free(code);
}
